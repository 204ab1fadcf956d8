package telemetry

// parseTGI reads the page of text-generation-inference 3. It counts executions,
// of prompts and of tokens after; each gives every sequence in it a token. It
// counts those when a request has ended, so that a window's mean batch is off by
// what was under way at its edges. It tells nothing of first tokens, and its
// mean time of a token has the prompt's in it, which is another quantity than
// the others tell: not taken. Nothing of the prefixes that it found, either.
func parseTGI(text []byte, _ Source) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	r, err := names{
		stages: map[string]string{
			Queue: "tgi_request_queue_duration", Preprocess: "tgi_request_validation_duration", Compute: "tgi_request_inference_duration",
		},
		whole: "tgi_request_duration",
	}.reading(p)
	if err != nil {
		return Reading{}, err
	}
	tokens, err := p.sum("tgi_request_generated_tokens")
	if err != nil {
		return Reading{}, err
	}
	runs, err := p.told("tgi_batch_inference_count")
	if err != nil {
		return Reading{}, err
	}
	if tokens != nil {
		r.Generation.Tokens = &tokens.Seconds // a histogram of tokens
	}
	if runs != nil {
		r.Batches = steps(*runs, r.Generation.Tokens)
	}
	return r, nil
}
