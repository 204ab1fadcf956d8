package trial

import (
	"time"

	"stackbench/internal/hist"
	"stackbench/internal/meter"
)

// histograms are a leaf's windows in HdrHistogram's log format, to be kept when
// its trial is recorded; nil where nothing is kept.
func (r *Rig) histograms(started time.Time, windows []meter.Window) []byte {
	if !r.keepHistograms {
		return nil
	}
	var all []hist.Window
	for _, w := range windows {
		all = append(all, hist.Window{Records: w.Records, Length: w.Length})
	}
	text, err := hist.Log(started, all)
	if err != nil {
		r.Note("%v", err)
		return nil
	}
	return text
}
