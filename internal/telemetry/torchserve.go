package telemetry

import (
	"encoding/json"
	"fmt"
)

// micros turns TorchServe's microseconds to seconds.
const micros = 1e-6

// parseTorchServe reads TorchServe's page: its own sum of the time in the
// queue, over requests of all versions of the model, and the counters of
// stackbench's handler, since it has none of batches and its timers hold the
// last value only: BatchCount and BatchItems over executions, and the time of
// each stage times the requests that waited for it.
func parseTorchServe(text []byte, s Source) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	r := Reading{Stages: map[string]Sum{}}
	ours := labels{"ModelName": s.Model}
	runs, told, err := p.number("BatchCount", ours)
	if err != nil {
		return Reading{}, err
	}
	items, _, err := p.number("BatchItems", ours)
	if err != nil {
		return Reading{}, err
	}
	if told {
		r.Batches = &Batches{Runs: runs, Items: items}
	}
	for stage, name := range map[string]string{Preprocess: "PreprocessMicros", Compute: "ComputeMicros", Postprocess: "PostprocessMicros"} {
		sum, told, err := p.number(name, ours)
		if err != nil {
			return Reading{}, err
		}
		if told {
			r.Stages[stage] = Sum{Requests: items, Seconds: sum * micros}
		}
	}
	theirs := labels{"model_name": s.Model}
	requests, told, err := p.number("ts_inference_requests_total", theirs)
	if err != nil || !told {
		return r, err
	}
	waited, told, err := p.number("ts_queue_latency_microseconds", theirs)
	if err == nil && told {
		r.Stages[Queue] = Sum{Requests: requests, Seconds: waited * micros}
	}
	return r, err
}

// torchServeWaiting reads the requests that wait in the job queues of a model's
// versions, as its description tells them.
func torchServeWaiting(text []byte, _ Source) (float64, error) {
	var versions []struct {
		Queue *struct {
			Pending float64 `json:"pendingRequests"`
		} `json:"jobQueueStatus"`
	}
	if err := json.Unmarshal(text, &versions); err != nil {
		return 0, fmt.Errorf("read TorchServe's description of the model: %w", err)
	}
	sum, told := 0.0, false
	for _, v := range versions {
		if v.Queue != nil {
			sum, told = sum+v.Queue.Pending, true
		}
	}
	if !told {
		return 0, ErrSilent
	}
	if sum < 0 {
		return 0, fmt.Errorf("read TorchServe's description of the model: %v requests wait", sum)
	}
	return sum, nil
}
