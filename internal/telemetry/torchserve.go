package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// parseTorchServe reads the page of the metrics port. Of batches and of the
// parts of a worker's time TorchServe tells nothing, so its handler counts them:
// stackbench_executions by their size, stackbench_requests by their transport,
// and stackbench_*_ms, summed over requests. The time in the queue is
// TorchServe's own, ts_queue_latency_microseconds, and over REST only: it
// measures no gRPC request. What ts_inference_latency_microseconds has beyond
// these parts is the way between TorchServe's two processes; no part of the
// schema, it stays in what the client sees as network.
func parseTorchServe(text []byte, model string) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	r := Reading{Stages: map[string]Sum{}}
	if r.Batches, err = p.bySize("stackbench_executions", "Items", labels{"ModelName": model}); err != nil {
		return Reading{}, err
	}
	for _, x := range []struct {
		stage, metric string
		unit          float64 // a second's worth
		its, requests labels
	}{
		{Queue, "ts_queue_latency_microseconds", 1e6, labels{"model_name": model}, labels{"ModelName": model, "Transport": "rest"}},
		{Preprocess, "stackbench_preprocess_ms", 1e3, labels{"ModelName": model}, labels{"ModelName": model}},
		{Compute, "stackbench_compute_ms", 1e3, labels{"ModelName": model}, labels{"ModelName": model}},
		{Postprocess, "stackbench_postprocess_ms", 1e3, labels{"ModelName": model}, labels{"ModelName": model}},
	} {
		spent, told, err := p.number(x.metric, x.its)
		if err != nil {
			return Reading{}, err
		}
		n, counted, err := p.number("stackbench_requests", x.requests)
		if err != nil {
			return Reading{}, err
		}
		if told && counted {
			r.Stages[x.stage] = Sum{Count: n, Seconds: spent / x.unit}
		}
	}
	return r, nil
}

func readTorchServe(ctx context.Context, s Source) (Reading, error) {
	page, err := get(ctx, s.At.Metrics, "/metrics")
	if err != nil {
		return Reading{}, err
	}
	r, err := parseTorchServe(page, s.Model)
	if err != nil {
		return Reading{}, err
	}
	state, err := s.torchServeState(ctx)
	if err != nil {
		return Reading{}, err
	}
	r.Workers = state.workers()
	return r, nil
}

func torchServeCrowd(ctx context.Context, s Source) (Gauges, error) {
	state, err := s.torchServeState(ctx)
	if err != nil {
		return Gauges{}, err
	}
	n, err := state.waiting()
	return Gauges{Waiting: n}, err
}

func (s Source) torchServeState(ctx context.Context) (torchServeState, error) {
	text, err := get(ctx, s.At.REST, torchServePath(s.Model))
	if err != nil {
		return nil, err
	}
	return parseTorchServeState(text)
}

// torchServeState is what GET /models/M says, one entry a version.
type torchServeState []struct {
	Workers []struct {
		Status string `json:"status"`
		PID    int    `json:"pid"`
	} `json:"workers"`
	Queue struct {
		Pending *float64 `json:"pendingRequests"`
	} `json:"jobQueueStatus"`
}

func torchServePath(model string) string { return "/models/" + url.PathEscape(model) }

func parseTorchServeState(text []byte) (torchServeState, error) {
	var s torchServeState
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read the model's state: it is not TorchServe's JSON (it begins with %.60q): %w", text, err)
	}
	if len(s) == 0 {
		return nil, errors.New("read the model's state: it has no version")
	}
	return s, nil
}

// workers names the processes that compute: each one's pid, or its status when
// it is down. TorchServe starts a dead one again at once, and its start time
// stays that of the first.
func (s torchServeState) workers() string {
	var all []string
	for _, version := range s {
		for _, w := range version.Workers {
			name := strconv.Itoa(w.PID)
			if w.Status != "READY" {
				name = w.Status
			}
			all = append(all, name)
		}
	}
	return strings.Join(all, ",")
}

// waiting is the number of requests in the queues of all versions.
func (s torchServeState) waiting() (float64, error) {
	sum := 0.0
	for _, version := range s {
		if version.Queue.Pending == nil {
			return 0, ErrSilent
		}
		if *version.Queue.Pending < 0 {
			return 0, fmt.Errorf("read the model's state: %v requests wait", *version.Queue.Pending)
		}
		sum += *version.Queue.Pending
	}
	return sum, nil
}
