package telemetry

import (
	"context"
	"encoding/json"
)

// parseTEI reads the page of text-embeddings-inference: times over requests,
// and the histogram of the batches that it took from its queue. That one counts
// looks into an empty queue, too, as batches of no text; the histogram of their
// tokens tells how many there were, since no text has fewer than two tokens.
// Before the first request the page is empty.
func parseTEI(text []byte, s Source) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	var r Reading
	if r.Stages, err = teiStages(p, s.Items > 1); err != nil {
		return Reading{}, err
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
	if err != nil {
		return 0, err
	}
	return s.requests(texts)
}

// teiStages reads the times of requests. Of one with several texts they are
// means over its texts, which follow one another; te_request_duration alone is
// the whole request's. What it has beyond the means is the time that a text
// which is done waits for the others. Without it nothing is known of the whole.
func teiStages(p page, several bool) (map[string]Sum, error) {
	out := map[string]Sum{}
	whole, told, err := p.seconds("te_request_duration", nil)
	if err != nil || several && !told {
		return out, err
	}
	rest := whole
	for stage, name := range map[string]string{
		Queue: "te_request_queue_duration", Preprocess: "te_request_tokenization_duration", Compute: "te_request_inference_duration",
	} {
		sum, told, err := p.seconds(name, nil)
		if err != nil {
			return nil, err
		}
		if told {
			out[stage] = sum
			rest.Seconds -= sum.Seconds
		}
	}
	if several {
		out[Gather] = Sum{Count: rest.Count, Seconds: max(0, rest.Seconds)}
	}
	return out, nil
}

// teiMost asks TEI, whose computing on a CPU has a limit of its own.
func teiMost(ctx context.Context, s Source) int {
	text, err := get(ctx, s.At.REST, "/info")
	if err != nil {
		return 0
	}
	var info struct {
		Most int `json:"max_batch_requests"`
	}
	if json.Unmarshal(text, &info) != nil {
		return 0
	}
	return max(0, info.Most)
}
