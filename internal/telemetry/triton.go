package telemetry

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
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
// preprocessing. Of a model that generates text only its queue is told.
func parseTriton(text []byte, s Source) (Reading, error) {
	var all tritonStats
	if err := json.Unmarshal(text, &all); err != nil {
		return Reading{}, fmt.Errorf("read Triton's statistics: %w", err)
	}
	model, told := all.of(s.Model)
	if !told {
		return Reading{}, fmt.Errorf("read Triton's statistics: there are none of %s", s.Model)
	}
	before, _ := all.of(s.Model + "_preprocess")
	of, prepare := model.Stats, before.Stats
	n := of.Compute.Count
	r := Reading{
		Batches: model.batches(),
		Stages: map[string]Sum{
			Queue:       {n, prepare.Queue.seconds() + of.Queue.seconds()},
			Preprocess:  {n, prepare.Input.seconds() + prepare.Compute.seconds() + prepare.Output.seconds() + of.Input.seconds()},
			Compute:     {n, of.Compute.seconds()},
			Postprocess: {n, of.Output.seconds()},
		},
	}
	if err := r.check(); err != nil {
		return Reading{}, err
	}
	if s.Texts { // the time is until a decoupled model took the request; what is computed after has no statistics
		return Reading{Stages: map[string]Sum{Queue: r.Stages[Queue]}}, nil
	}
	return r, nil
}

// of is the model's statistics; false when there are none.
func (s tritonStats) of(name string) (tritonModel, bool) {
	i := slices.IndexFunc(s.ModelStats, func(m tritonModel) bool { return m.Name == name })
	if i < 0 {
		return tritonModel{}, false
	}
	return s.ModelStats[i], true
}

// batches counts the executions by size.
func (m tritonModel) batches() *Batches {
	b := &Batches{Runs: m.Executions, Items: m.Inferences}
	for _, size := range m.Batches {
		b.Sizes = append(b.Sizes, Bucket{Bound: size.Size, Runs: size.Compute.Count})
	}
	slices.SortFunc(b.Sizes, func(a, b Bucket) int { return cmp.Compare(a.Bound, b.Bound) })
	return b
}

// check refuses what no counter can be.
func (r Reading) check() error {
	for stage, sum := range r.Stages {
		if !finite(sum.Seconds) || sum.Seconds < 0 || sum.Count < 0 {
			return fmt.Errorf("read Triton's statistics: the %s time is %v s of %v requests", stage, sum.Seconds, sum.Count)
		}
	}
	if r.Batches.Runs < 0 || r.Batches.Items < 0 {
		return fmt.Errorf("read Triton's statistics: %v executions of %v items", r.Batches.Runs, r.Batches.Items)
	}
	for i, size := range r.Batches.Sizes {
		if size.Runs < 0 || size.Bound < 0 || i > 0 && size.Bound == r.Batches.Sizes[i-1].Bound {
			return fmt.Errorf("read Triton's statistics: %v executions of %v items", size.Runs, size.Bound)
		}
	}
	return nil
}

// tritonWaiting adds up the requests that wait for the model and for its
// preprocessing: the ensemble itself has no queue.
func tritonWaiting(text []byte, s Source) (float64, error) {
	p, err := parsePage(text)
	if err != nil {
		return 0, err
	}
	const name = "nv_inference_pending_request_count"
	sum, err := p.gauge(name, labels{"model": s.Model})
	if err != nil {
		return 0, err
	}
	before, _, err := p.number(name, labels{"model": s.Model + "_preprocess"})
	return sum + before, err
}
