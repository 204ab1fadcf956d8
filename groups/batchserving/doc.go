// Package batchserving asks: what does a stack's dynamic batcher buy over
// answering requests one by one, and what does it cost?
//
// Requests of one to sixteen short texts (about 16 tokens), their sizes drawn
// in proportion to 1/size, mean 4.75: mostly small, sometimes a page's worth.
// Each stack is measured with its batcher off, and on: at most 32 items an
// execution, for which the first request waits 0, 5 or 20 ms. Single JPEG
// images, at most 16 an execution, ask the same of stacks that do no
// embeddings. Closed loops of rising numbers of users show what a batcher
// makes of a crowd; open loops of rising rates show what it makes of traffic.
//
// The knee is the highest rate of an open loop whose p99 stays within 200 ms:
// what the hardware can be trusted with. Every rate tried is a window of at
// least 662 requests, and is kept with the result.
//
// The same is asked of generated text: GPT-2 small answers prompts of a mix of
// lengths (tokens=chat) with 8 to 128 tokens as events, to a rising number of
// users. Off is one sequence at a time. On, at most 16 are computed together:
// fastapi-queue makes static batches, which go on until their longest answer
// has ended, vLLM and TGI take in and let out answers at every step.
// batch-mean counts only answers that still go on.
//
// A win is a higher knee-rps, or more emb/s (img/s) at the same users without
// a higher p99-ms, by more than the noise of repeated trials, with the same
// answers.
//
//	go test -run '^$' -bench . ./groups/batchserving -stacks=embedded
package batchserving
