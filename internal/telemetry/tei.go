package telemetry

// parseTEI reads the page of text-embeddings-inference: times over requests,
// and the histogram of the batches that it took from its queue. That one counts
// looks into an empty queue, too, as batches of no text; the histogram of their
// tokens tells how many there were, since no text has fewer than two tokens.
// Before the first request the page is empty.
func parseTEI(text []byte, _ Source) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	r := Reading{Stages: map[string]Sum{}}
	for stage, name := range map[string]string{
		Queue: "te_request_queue_duration", Preprocess: "te_request_tokenization_duration", Compute: "te_request_inference_duration",
	} {
		sum, told, err := p.seconds(name, nil)
		if err != nil {
			return Reading{}, err
		}
		if told {
			r.Stages[stage] = sum
		}
	}
	sizes, err := p.histogram("te_batch_next_size", nil)
	if err != nil || sizes == nil {
		return r, err
	}
	empty, told := p.atMost("te_batch_next_tokens", 1)
	if !told {
		return r, nil // nobody knows how many were empty
	}
	sizes.Runs = max(0, sizes.Runs-empty)
	for i := range sizes.Sizes {
		if sizes.Sizes[i].Bound <= 1 {
			sizes.Sizes[i].Runs = max(0, sizes.Sizes[i].Runs-empty)
		}
	}
	r.Batches = sizes
	return r, nil
}

// teiWaiting reads the gauge te_queue_size, which counts texts.
func teiWaiting(text []byte, s Source) (float64, error) {
	p, err := parsePage(text)
	if err != nil {
		return 0, err
	}
	texts, err := p.gauge("te_queue_size", nil)
	return s.requests(texts), err
}
