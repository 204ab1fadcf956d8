package telemetry

import (
	"encoding/json"
	"fmt"
)

// tritonStats is the part of Triton's statistics extension that is read: sums
// over requests since the model was loaded, its warm-up included.
type tritonStats struct {
	ModelStats []tritonModel `json:"model_stats"`
}

type tritonModel struct {
	Name       string  `json:"name"`
	Inferences float64 `json:"inference_count"` // items
	Executions float64 `json:"execution_count"`
	Stats      struct {
		Queue   tritonSum `json:"queue"`
		Input   tritonSum `json:"compute_input"`
		Compute tritonSum `json:"compute_infer"`
		Output  tritonSum `json:"compute_output"`
	} `json:"inference_stats"`
	Batches []struct {
		Size    float64   `json:"batch_size"`
		Compute tritonSum `json:"compute_infer"` // over executions
	} `json:"batch_stats"`
}

type tritonSum struct {
	Count float64 `json:"count"`
	NS    float64 `json:"ns"`
}

func (s tritonSum) seconds() float64 { return s.NS / 1e9 }

// parseTriton reads the statistics of the served model and of its preprocessing
// (MODEL_preprocess), which an ensemble runs one after the other: an ensemble's
// own statistics show every batch as one, and its time twice. A request's time
// in the queue is that in both; preparing the model's input counts as
// preprocessing.
func parseTriton(text []byte, s Source) (Reading, error) {
	var all tritonStats
	if err := json.Unmarshal(text, &all); err != nil {
		return Reading{}, fmt.Errorf("read Triton's statistics: %w", err)
	}
	var r Reading
	preprocess, queue := 0.0, 0.0
	for _, m := range all.ModelStats {
		if m.Name == s.Model+"_preprocess" {
			queue += m.Stats.Queue.seconds()
			preprocess += m.Stats.Input.seconds() + m.Stats.Compute.seconds() + m.Stats.Output.seconds()
		}
	}
	for _, m := range all.ModelStats {
		if m.Name != s.Model {
			continue
		}
		n := m.Stats.Compute.Count
		queue += m.Stats.Queue.seconds()
		r.Stages = map[string]Sum{
			Queue:       {n, queue},
			Preprocess:  {n, preprocess + m.Stats.Input.seconds()},
			Compute:     {n, m.Stats.Compute.seconds()},
			Postprocess: {n, m.Stats.Output.seconds()},
		}
		r.Batches = m.batches()
	}
	if r.Batches == nil {
		return Reading{}, fmt.Errorf("read Triton's statistics: there are none of %s", s.Model)
	}
	for stage, sum := range r.Stages {
		if !finite(sum.Seconds) || sum.Seconds < 0 || sum.Requests < 0 {
			return Reading{}, fmt.Errorf("read Triton's statistics: the %s time is %v s of %v requests", stage, sum.Seconds, sum.Requests)
		}
	}
	return r, nil
}

// batches counts the executions by size.
func (m tritonModel) batches() *Batches {
	b := &Batches{Runs: m.Executions, Items: m.Inferences}
	for _, size := range m.Batches {
		b.Sizes = append(b.Sizes, Bucket{Bound: size.Size, Runs: size.Compute.Count})
	}
	return b
}

// tritonWaiting adds up the requests that wait for the model and for its
// preprocessing: the ensemble itself has no queue.
func tritonWaiting(text []byte, s Source) (float64, error) {
	p, err := parsePage(text)
	if err != nil {
		return 0, err
	}
	sum, err := p.gauge("nv_inference_pending_request_count", labels{"model": s.Model})
	if err != nil {
		return 0, err
	}
	before, _, err := p.number("nv_inference_pending_request_count", labels{"model": s.Model + "_preprocess"})
	return sum + before, err
}
