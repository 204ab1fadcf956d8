// Package embeddings asks: which stack turns texts into sentence embeddings
// fastest on this hardware, and what does it hold in memory for that?
//
// Texts of about 64 tokens go in as text, so tokenising is the server's work,
// alone or in batches of 8 and 32 as an indexing job sends them. They also go in
// as token ids (input=ids), in tables of their own: there every stack has the
// client tokenise, and none is compared with one that does it itself. Over REST
// the contract is OpenAI's /v1/embeddings with numbers in JSON, over gRPC the Open
// Inference Protocol with raw values. all-MiniLM-L6-v2 has trained weights
// without a hub; all-mpnet-base-v2 is five times the work.
//
// A win is more emb/s at the same batch and users, or a lower p95-ms at the
// same rate, by more than the noise of repeated trials, with the same answers.
//
//	go test -run '^$' -bench . ./groups/embeddings -stacks=embedded
package embeddings
