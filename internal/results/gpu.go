package results

import (
	"fmt"
	"math"
)

// Cards is what the stack's GPUs did in the windows of a trial, beside the
// metrics gpu-util, gpu-mem-MB, J/answer and J/item. What the driver does not
// tell is nil, and Notes says why.
type Cards struct {
	Count     int      `json:"count"`                // GPUs that the sums and means are of
	Seconds   float64  `json:"seconds"`              // that were sampled
	SMPercent *float64 `json:"sm_percent,omitempty"` // mean share of busy multiprocessors
	Watts     *float64 `json:"watts,omitempty"`      // mean, summed over the GPUs
	IdleWatts *float64 `json:"idle_watts,omitempty"` // before any stack was started, summed over the same GPUs
	EnergyJ   *float64 `json:"energy_j,omitempty"`   // of the windows
	Notes     []string `json:"notes,omitempty"`
}

func (c Cards) check() error {
	for _, v := range []*float64{&c.Seconds, c.SMPercent, c.Watts, c.IdleWatts, c.EnergyJ} {
		if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0) || *v < 0) {
			return fmt.Errorf("a GPU's figure of %v", *v)
		}
	}
	return nil
}
