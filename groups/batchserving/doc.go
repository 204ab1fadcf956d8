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
// A win is a higher knee-rps, or more emb/s (img/s) at the same users without
// a higher p99-ms, by more than the noise of repeated trials, with the same
// answers.
//
//	go test -run '^$' -bench . ./groups/batchserving -stacks=embedded
package batchserving
