package gpu

import "slices"

// Pool is what the GPUs did in several windows together: means weighted by the
// windows' lengths, energy added up, the highest peak. Energy of which a window
// lacks its part is not told, since it would be too little; a mean is of the
// windows that have it. nil of no window.
func Pool(windows []Summary) *Summary {
	if len(windows) == 0 {
		return nil
	}
	out := Summary{Name: windows[0].Name, Driver: windows[0].Driver}
	for _, w := range windows {
		out.Count, out.Span = max(out.Count, w.Count), out.Span+w.Span
		if w.MemoryPeakMB != nil && (out.MemoryPeakMB == nil || *w.MemoryPeakMB > *out.MemoryPeakMB) {
			out.MemoryPeakMB = w.MemoryPeakMB
		}
		out.Notes, out.Others = union(out.Notes, w.Notes), union(out.Others, w.Others)
	}
	out.UtilPercent = weighted(windows, func(w Summary) *float64 { return w.UtilPercent })
	out.SMPercent = weighted(windows, func(w Summary) *float64 { return w.SMPercent })
	out.Watts = weighted(windows, func(w Summary) *float64 { return w.Watts })
	out.IdleWatts = weighted(windows, func(w Summary) *float64 { return w.IdleWatts })
	out.EnergyJ = energy(windows)
	return &out
}

// union appends what is not there yet.
func union(all, more []string) []string {
	for _, one := range more {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

func weighted(windows []Summary, of func(Summary) *float64) *float64 {
	var m mean
	for _, w := range windows {
		if v := of(w); v != nil {
			m.add(*v, w.Span.Seconds())
		}
	}
	return m.value()
}

func energy(windows []Summary) *float64 {
	var sum float64
	for _, w := range windows {
		if w.EnergyJ == nil {
			return nil
		}
		sum += *w.EnergyJ
	}
	return &sum
}

// mean is a weighted mean that knows when it is of nothing.
type mean struct{ sum, weight float64 }

func (m *mean) add(v, weight float64) {
	m.sum += v * weight
	m.weight += weight
}

func (m *mean) value() *float64 {
	if m.weight == 0 {
		return nil
	}
	v := m.sum / m.weight
	return &v
}
