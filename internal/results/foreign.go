package results

import (
	"fmt"
	"math"
	"time"
)

// Foreign is what others used of the machine in the windows of a trial.
type Foreign struct {
	Opened    time.Time `json:"opened"`            // the last window that was kept
	Unknown   string    `json:"unknown,omitempty"` // why it cannot be told what was the stack's own; then the shares are nothing
	Server    Share     `json:"server"`            // of the server's cores
	Client    Share     `json:"client"`            // of the client's; the same where they share them
	Throttled int64     `json:"throttled,omitempty"`
	Holder    string    `json:"holder,omitempty"`  // number and name of the process that used most
	Tries     int       `json:"tries,omitempty"`   // windows that were taken, those that were not kept included
	Spent     float64   `json:"spent_s,omitempty"` // seconds of waiting for quiet and of windows taken again
}

// Share is what others had of a set of cores.
type Share struct {
	Percent float64 `json:"percent"`
	Worst   float64 `json:"worst_second"`
	Steal   float64 `json:"steal"`
}

func (f *Foreign) check() error {
	if f == nil {
		return nil
	}
	for _, s := range []Share{f.Server, f.Client} {
		for _, v := range []float64{s.Percent, s.Worst, s.Steal} {
			if !(v >= 0) || math.IsInf(v, 0) {
				return fmt.Errorf("others had %v %% of the cores", v)
			}
		}
	}
	if f.Throttled < 0 || f.Tries < 0 || !(f.Spent >= 0) || math.IsInf(f.Spent, 0) {
		return fmt.Errorf("%d periods, %d windows, %v s", f.Throttled, f.Tries, f.Spent)
	}
	return nil
}
