package selftest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/meter"
)

const nobody = 1 << 30 // no process has such a number

// TestWhatOthersTakeBesideAServer of a made-up kernel: of the client's core 0
// nothing, and of the server's core 3 a quarter of the time, and 5 % by the
// hypervisor.
func TestWhatOthersTakeBesideAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		stat := func() ([]byte, error) {
			ticks := int(time.Since(began).Milliseconds() / 10)
			return fmt.Appendf(nil, "cpu0 5 0 5 %d 0 0 0 0\ncpu3 5 0 5 %d 0 0 0 %d\nintr 1\n", 1000+ticks, 1000+ticks*70/100, ticks*5/100), nil
		}
		stop := WatchBeside(cpuset.Set{0}, cpuset.Set{3}, stat)(nobody)
		time.Sleep(2 * time.Second)
		seen := stop()
		require.InDelta(t, 25, seen.Server.Percent, 1)
		require.InDelta(t, 5, seen.Server.Steal, 1)
		require.InDelta(t, 0, seen.Client.Percent, 1)
		require.Empty(t, seen.Unknown)
		require.Len(t, disturbances(seen, false), 2)

		stop = WatchBeside(cpuset.Set{3}, cpuset.Set{3}, stat)(nobody)
		time.Sleep(2 * time.Second)
		seen = stop()
		require.True(t, seen.Shared)
		require.InDelta(t, 25, seen.Client.Percent, 2)
	})
	none := func() ([]byte, error) { return nil, errors.New("no counters") }
	require.Contains(t, WatchBeside(cpuset.Set{0}, cpuset.Set{3}, none)(nobody)().Unknown, "no counters")
}

// child is a server in this process that says it is one of its own.
type child struct{ near }

func (child) PID() int { return nobody }

// TestOthersOfTheTryThatCounts: a hog makes a try wrong; what counts is the next.
func TestOthersOfTheTryThatCounts(t *testing.T) {
	tries := 0
	l := Lab{
		Clock: load.SleepClock(), Core: -1, Say: func(string, ...any) {},
		Spawn: func(o fake.Order) (Server, error) {
			s, err := fake.HTTP(*o.HTTP)
			return child{near{s}}, err
		},
		Beside: func(pid int) func() meter.Foreign {
			require.Equal(t, nobody, pid)
			tries++
			return func() meter.Foreign {
				return meter.Foreign{Server: meter.Share{Percent: 40 / float64(tries*tries*tries)}}
			}
		},
		Summarise: func(w []meter.Window, e meter.Evidence) meter.Summary {
			if tries < 2 {
				return scaled("ok-%", 0.9)(w, e)
			}
			return meter.Summarise(w, e)
		},
	}
	_, seen, err := l.hold(t.Context(), brief(t), 0)
	require.NoError(t, err)
	require.Equal(t, 2, tries)
	require.InDelta(t, 5, seen.Server.Percent, 1e-9)
	l.Beside = nil
	_, seen, err = l.hold(t.Context(), brief(t), 0)
	require.NoError(t, err)
	require.Nil(t, seen)
}

// TestNothingElseIsSaidOnlyWhenNothingWasSeen while it measured, too.
func TestNothingElseIsSaidOnlyWhenNothingWasSeen(t *testing.T) {
	quiet := meter.Foreign{Server: meter.Share{Percent: 0.7}, Client: meter.Share{Percent: 1.6, Steal: 0.2}}
	r := report()
	r.Foreign.during("constant", false, &quiet)
	require.Contains(t, r.Sentence(), "; nothing else was running.")
	var b bytes.Buffer
	require.NoError(t, r.Text(&b))
	require.Contains(t, b.String(), "While it measured, others used up to 0.7 % of the server's core and 1.6 % of the client's, and the hypervisor gave up to 0.2 % to others.\n")

	r.Foreign.during("stall", true, &meter.Foreign{Server: meter.Share{Percent: 21, Worst: 30}, Holder: "4711 cc1"})
	require.Contains(t, r.Sentence(), "; others disturbed it: stall: others used 21 % of the server's cores (30 % in the worst second), over 10 %, most of it 4711 cc1.")
	r.Foreign.during("start 3 of the embedded stack", false, &meter.Foreign{Server: meter.Share{Steal: 9}})
	require.Contains(t, r.Sentence(), "; others disturbed it 2 times: stall: others used")
	require.Contains(t, r.Sentence(), "; start 3 of the embedded stack: the hypervisor gave 9 % of the cores to others, over 2 %.")

	r = report()
	r.Foreign.during("constant", false, &meter.Foreign{Unknown: "no counters"})
	r.Foreign.during("stall", false, &quiet)
	require.Contains(t, r.Sentence(), "whether something else was running is not known (no counters)")
	require.Empty(t, r.Foreign.seen())
}
