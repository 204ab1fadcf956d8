package telemetry

// parseVLLM reads the page of vLLM, as of 0.26 to 0.32. The histogram of tokens
// by engine step counts tokens of prompts, too, in the steps that compute them,
// so that its mean is no batch; but its count is that of the steps, and every
// step gives each sequence that it completes a token for. Generated tokens by
// steps are therefore the mean number of sequences in a step. A long prompt that
// is computed in pieces is in none of them before its last. How large the
// largest was, the histogram does not tell, for the same tokens.
//
// Times are of requests that have ended, tokens of those that run as well. The
// time of computing is that of the prompt and of all tokens. What a request
// takes beyond that and the queue is its server's front end: tokenising, the way
// to the engine and back, and turning tokens into text. It stands for
// preprocessing; left out, it would be taken for the network's.
func parseVLLM(text []byte, _ Source) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	r, err := names{
		stages: map[string]string{Queue: "vllm:request_queue_time_seconds", Compute: "vllm:request_inference_time_seconds"},
		first:  "vllm:time_to_first_token_seconds", between: "vllm:inter_token_latency_seconds",
		mean: "vllm:request_time_per_output_token_seconds", whole: "vllm:e2e_request_latency_seconds",
		tokens: "vllm:generation_tokens_total",
		asked:  "vllm:prefix_cache_queries_total", found: "vllm:prefix_cache_hits_total",
	}.reading(p)
	if err != nil {
		return Reading{}, err
	}
	q, c, whole := r.Stages[Queue], r.Stages[Compute], r.Generation.Whole
	if whole != nil && whole.Count == q.Count && whole.Count == c.Count {
		r.Stages[Preprocess] = Sum{whole.Count, max(0, whole.Seconds-q.Seconds-c.Seconds)}
	}
	iterations, err := p.sum("vllm:iteration_tokens_total")
	if err != nil {
		return Reading{}, err
	}
	if iterations != nil {
		r.Batches = steps(iterations.Count, r.Generation.Tokens)
	}
	return r, nil
}
