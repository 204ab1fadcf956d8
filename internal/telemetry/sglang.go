package telemetry

// parseSGLang reads the page of SGLang 0.5, which it has with --enable-metrics
// only. It counts no executions. Tokens that it found among earlier prompts are
// by the place where they were kept; looked up are those of all prompts.
func parseSGLang(text []byte, _ Source) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	return names{
		stages: map[string]string{Queue: "sglang:queue_time_seconds"},
		first:  "sglang:time_to_first_token_seconds", between: "sglang:inter_token_latency_seconds",
		whole: "sglang:e2e_request_latency_seconds", tokens: "sglang:generation_tokens_total",
		asked: "sglang:prompt_tokens_total", found: "sglang:cached_tokens_total",
	}.reading(p)
}
