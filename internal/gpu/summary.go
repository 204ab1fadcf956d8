//go:build linux && cgo

package gpu

import (
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// sum combines the GPUs that the stack was seen on, or all when none was.
func (s *Sampler) sum() Summary {
	cards := s.cards
	seen := cards[:0:0]
	for _, c := range s.cards {
		if c.used {
			seen = append(seen, c)
		}
	}
	told := len(seen) > 0
	if told {
		cards = seen
	} else if s.pids != nil {
		s.notes = append(s.notes, "the stack's processes were not seen on any GPU: every GPU and all of its memory is counted")
	}
	out := Summary{Name: s.d.name, Driver: s.d.driver, Count: len(cards), Span: time.Since(s.opened)}
	var util, sm mean
	var bytes uint64
	var watts, idle float64
	measured, rested := true, s.d.idle != nil
	for _, c := range cards {
		if v := c.util.value(); v != nil {
			util.add(*v, 1)
		}
		if v := c.sm.value(); v != nil {
			sm.add(*v, 1)
		}
		if v := c.watts.value(); v != nil {
			watts += *v
		} else {
			measured = false
		}
		if rested {
			v := s.d.idle[c.index].value()
			if rested = v != nil; rested {
				idle += *v
			}
		}
		if told && c.stack > 0 {
			bytes += c.stack
		} else {
			bytes += c.whole
		}
	}
	out.UtilPercent, out.SMPercent = util.value(), sm.value()
	if measured {
		out.Watts = &watts
	}
	if rested {
		out.IdleWatts = &idle
	}
	if bytes > 0 {
		mb := float64(bytes) / 1e6
		out.MemoryPeakMB = &mb
	}
	out.EnergyJ = s.joules(cards)
	out.Others, out.Notes = names(cards), s.notes
	return out
}

// joules sums the energy of the window; nil when a GPU tells neither energy
// nor power.
func (s *Sampler) joules(cards []*card) *float64 {
	var total float64
	for _, c := range cards {
		if c.metered {
			if mj, ret := c.dev.GetTotalEnergyConsumption(); ret == nvml.SUCCESS && mj >= c.energy {
				total += float64(mj-c.energy) / 1e3
				continue
			}
		}
		if c.watts.weight == 0 {
			return nil
		}
		total += c.joules
		const text = "energy is the integral of the sampled power: there is no energy counter"
		if len(s.notes) == 0 || s.notes[len(s.notes)-1] != text {
			s.notes = append(s.notes, text)
		}
	}
	return &total
}
