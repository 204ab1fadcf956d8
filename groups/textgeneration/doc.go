// Package textgeneration asks: which stack gives text to how many users at
// once, how soon does the first of it come, and how fast the rest?
//
// Prompts of 128 or 512 tokens lead to answers of 128, and a mix of lengths as
// conversations have it (tokens=chat) to answers of 8 to 128. Decoding is
// greedy in float32, and answers have exactly the length asked for where the
// stack can be told; TGI cannot. Answers come whole (proto=rest), as
// server-sent events, over WebSocket or as a gRPC stream; with the transports
// next to each other at the same load, what a stream costs shows. Prompts are
// made anew for every trial and case, so that no cache of prompts answers;
// prefix=shared is the one axis on which they begin alike and the server may
// make use of that. Among them are committed ones, whose greedy answers PyTorch
// gave.
//
// GPT-2 small has the architecture that everybody knows, with weights from a
// seed where no hub is reachable. SmolLM2-135M is trained, from a package.
//
// An answer is within the limits when its first text comes within a second and
// its tokens every 100 ms in its mean: ten a second, faster than most people
// read. goodput-rps counts such answers, and load=users seeks the most users of
// whose answers 95 % are such.
//
// A win is more tok/s at the same users with no higher itl-ms, or more users
// within the limits, by more than the noise of repeated trials, with the same
// answers.
//
//	go test -run '^$' -bench . ./groups/textgeneration -stacks=embedded
package textgeneration
