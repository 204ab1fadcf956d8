package selftest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/meter"
)

// near is a scripted server in this process.
type near struct{ *fake.HTTPServer }

func (n near) Arrivals() ([]time.Time, error) { return n.HTTPServer.Arrivals(), nil }

func nearby(o fake.Order) (Server, error) {
	if o.Play != nil {
		s, err := fake.Play(*o.Play)
		return near{s}, err
	}
	s, err := fake.HTTP(*o.HTTP)
	return near{s}, err
}

// brief is a script of a moment, of which only the share of good answers is
// judged: it does not depend on how busy this machine is.
func brief(t *testing.T) script {
	t.Helper()
	s := named(t, "constant")
	s.plan.Warmup, s.plan.Window = 20*ms, 150*ms
	s.units = []bounded{rate("ok-%")}
	return s
}

// TestWhatIsWrongIsMeasuredAgain, at most twice, and what stays wrong is said.
func TestWhatIsWrongIsMeasuredAgain(t *testing.T) {
	for wrongFor, want := range map[int]struct{ measured, faults int }{0: {1, 0}, 1: {2, 0}, 2: {3, 0}, 9: {3, 1}} {
		measured := 0
		l := Lab{Spawn: nearby, Clock: load.SleepClock(), Core: -1, Say: func(string, ...any) {}, Summarise: func(w []meter.Window, e meter.Evidence) meter.Summary {
			measured++
			if measured <= wrongFor {
				return scaled("ok-%", 0.9)(w, e)
			}
			return meter.Summarise(w, e)
		}}
		checks, _, err := l.hold(t.Context(), brief(t), 0)
		require.NoError(t, err)
		require.Equal(t, want.measured, measured)
		require.Equal(t, want.faults, wrong(checks))
	}
}

func TestStreamsAreReadByTheirServersClock(t *testing.T) {
	s := named(t, "stream")
	s.plan.Warmup, s.plan.Window = 0, 300*ms
	l := Lab{Spawn: nearby, Clock: load.SleepClock(), Core: -1, Say: func(string, ...any) {}}
	p, err := l.play(t.Context(), s)
	require.NoError(t, err)
	truth, err := read(s, p.res, p.arrivals)
	require.NoError(t, err)
	for _, a := range truth.answers {
		require.Len(t, a.written, tokens)
		require.GreaterOrEqual(t, a.first(), inMS(delay))
	}
}

func TestServersThatCannotBeHad(t *testing.T) {
	none := errors.New("no more processes")
	l := Lab{Spawn: func(fake.Order) (Server, error) { return nil, none }, Clock: load.SleepClock(), Say: func(string, ...any) {}}
	l.Foreign = func(context.Context, time.Duration) (map[int]float64, string, error) { return nil, "", nil }
	_, err := l.Run(t.Context())
	require.ErrorIs(t, err, none)
	require.ErrorContains(t, err, "selftest floor: ")
}

// TestARealStackAgainstItself takes what its starts measured, and says why there
// is none.
func TestARealStackAgainstItself(t *testing.T) {
	l := Lab{Say: func(string, ...any) {}, Again: func(_ context.Context, times int) ([]Sample, error) {
		var out []Sample
		for i := range times {
			out = append(out, Sample{P50: 10 + float64(i%2)/10, P95: 20})
		}
		return out, nil
	}}
	n, got, err := l.noise(t.Context())
	require.Len(t, got, starts)
	require.NoError(t, err)
	require.Equal(t, Noise{Of: "the embedded stack", Starts: starts, P50: n.P50}, n)
	require.InDelta(t, 1.8, n.P50, 0.1)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.Again = func(ctx context.Context, _ int) ([]Sample, error) { return nil, ctx.Err() }
	_, _, err = l.noise(ctx)
	require.ErrorIs(t, err, context.Canceled)

	l = Lab{Spawn: nearby, Clock: load.SleepClock(), Say: func(string, ...any) {}, Short: true}
	l.Again = func(context.Context, int) ([]Sample, error) { return nil, errors.New("never asked") }
	n, _, err = l.noise(t.Context())
	require.NoError(t, err)
	require.Equal(t, "a scripted server", n.Of)
	require.Equal(t, "not in the short test", n.Lack)
}
