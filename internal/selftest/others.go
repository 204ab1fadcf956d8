package selftest

import (
	"context"
	"os"
	"time"

	"stackbench/internal/cpuset"
	"stackbench/internal/usage"
)

// watchEvery is how often the cores' counters are read.
const watchEvery = 100 * time.Millisecond

// Watch looks at each of the cores by itself. Nothing of ours runs the while, so
// all that is not free is somebody else's. stat gives the kernel's counters; nil
// reads them where they are.
func Watch(cores cpuset.Set, stat func() ([]byte, error)) Foreign {
	f := usage.Foreign{Stat: stat}
	for _, core := range cores {
		f.Sides = append(f.Sides, usage.Side{Cores: cpuset.Set{core}})
	}
	return func(ctx context.Context, d time.Duration) (map[int]float64, string, error) {
		before := usage.TakeCensus()
		w, err := f.Watch(watchEvery)
		if err != nil {
			return nil, "", err
		}
		wait := time.NewTimer(d)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
		shares, err := w.Stop()
		if err != nil {
			return nil, "", err
		}
		byCore := map[int]float64{}
		for i, s := range shares {
			byCore[cores[i]] = s.Foreign + s.Steal
		}
		holder := ""
		if who := usage.TakeCensus().Since(before, os.Getpid()); len(who) > 0 {
			holder = who[0].String()
		}
		return byCore, holder, context.Cause(ctx)
	}
}
