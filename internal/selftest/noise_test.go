package selftest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/unit"
)

// spreads are ways in which a median differs from start to start: as the normal
// distribution does, with tails as heavy as Student's t of 4 degrees, and with
// one start in ten that is slow.
func spreads() map[string]func(*rand.Rand) float64 {
	normal := func(r *rand.Rand) float64 { return math.Exp(0.015 * r.NormFloat64()) }
	return map[string]func(*rand.Rand) float64{
		"normal": normal,
		"heavy tails": func(r *rand.Rand) float64 {
			var squares float64
			for range 4 {
				x := r.NormFloat64()
				squares += x * x
			}
			return math.Exp(0.015 * r.NormFloat64() / math.Sqrt(squares/4))
		},
		"one in ten is slow": func(r *rand.Rand) float64 {
			if r.IntN(10) == 0 {
				return 1.1 * normal(r)
			}
			return normal(r)
		},
	}
}

// TestTheSmallestDifferenceHolds measures the rule's error rates: how often two
// trials of one thing are told apart, and how often a difference of twice what
// is promised, or of the tenth that one would like to see, is found.
func TestTheSmallestDifferenceHolds(t *testing.T) {
	const machines = 40_000
	for name, draw := range spreads() {
		r := rand.New(rand.NewPCG(12, 11))
		falsely, found, sum := 0, 0, 0.0
		for range machines {
			var seen []float64
			for range starts {
				seen = append(seen, draw(r))
			}
			percent, err := smallest(seen)
			require.NoError(t, err)
			sum += percent
			told := func(a, b float64) bool { return math.Abs(math.Log(a/b)) > math.Log1p(percent/100) }
			if told(draw(r), draw(r)) {
				falsely++
			}
			if told(draw(r)*math.Pow(1+percent/100, 2), draw(r)) {
				found++
			}
		}
		alarms, power := 100*float64(falsely)/machines, 100*float64(found)/machines
		t.Logf("%-19s smallest difference %.1f %% on average, false alarms %.1f %%, twice it found %.1f %%", name, sum/machines, alarms, power)
		most := map[string]float64{"normal": 5.5, "heavy tails": 8, "one in ten is slow": 11}[name]
		require.Less(t, alarms, most, name)
		require.Greater(t, power, 90.0, name)
	}
}

func TestSmallestDifference(t *testing.T) {
	got, err := smallest([]float64{100, 100, 100})
	require.NoError(t, err)
	require.InDelta(t, 0, got, 1e-9)
	// Logarithms ±0.01 around the mean: spread 0.01155, t of 3 degrees 3.182.
	got, err = smallest([]float64{math.Exp(0.01), math.Exp(-0.01), math.Exp(0.01), math.Exp(-0.01)})
	require.NoError(t, err)
	require.InDelta(t, 100*math.Expm1(3.182*math.Sqrt2*0.0115470), got, 1e-3)
	for _, bad := range [][]float64{{1, 2}, {1, 2, 0}, {1, 2, math.Inf(1)}, {1, 2, math.NaN()}} {
		_, err := smallest(bad)
		require.Error(t, err)
	}
	require.InDelta(t, 2.042, student(30), 1e-3)
	require.InDelta(t, 2.201, student(11), 3e-3)
}

func report() Report {
	return Report{
		Cases: []Outcome{
			{"constant", []Check{{Unit: "p50-ms", True: 20.05, Got: 20.11, Bound: 0.2}, {Unit: "rps", True: 398, Got: 397.6, Bound: 4}}},
			{"failures", []Check{{Unit: "p95-ms", True: math.Inf(1), Got: math.Inf(1), Bound: 0.5}}},
			{atOnce, []Check{{Unit: unit.LateP99, Got: 0.184, Bound: 1}}},
		},
		Late: 0.184, Floor: 0.0651, Noise: Noise{Of: "the embedded stack", Starts: 8, P50: 3.2, P95: 10.4},
	}
}

func TestReportInWords(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, report().Text(&b))
	require.Equal(t, `script     figure                  truth   measured     error
constant   p50-ms                  20.05      20.11   +0.30 %
           rps                       398      397.6   -0.10 %
failures   p95-ms                     +∞         +∞      none
late       late-p99-ms                 0      0.184

Sends are late by 0.18 ms (p99); a server that answers at once seems to take 0.065 ms.
Held to: medians 1 % or 0.1 ms and that way, whichever is more, but at most 0.5 ms; tails 2 % or 0.5 ms and that way, at most 0.8 ms.
8 starts of the embedded stack differ by chance by up to 4 % in p50 and 11 % in p95 (19 of 20 pairs).

This machine tells differences of over 4 % in p50 with one trial; nothing else was running.
`, b.String())
}

func TestSentences(t *testing.T) {
	r := report()
	r.Foreign = Others{Share: 41.3, Core: 1, Holder: "4711 cc1"}
	require.Equal(t, "This machine tells differences of over 4 % in p50 with one trial; 41 % of core 1 was somebody else's: 4711 cc1.", r.Sentence())
	r.Foreign = Others{Problem: "this system does not tell"}
	require.Contains(t, r.Sentence(), "whether something else was running is not known")
	r.Cases[0].Checks[0].Why = "constant: p50-ms is 21 and was 20"
	require.Equal(t, []string{"constant: p50-ms is 21 and was 20"}, r.Faults())
	require.Contains(t, r.Sentence(), "Do not measure here now: 1 of the client's figures were wrong")
	r.Noise = Noise{Of: "a scripted server", Starts: 6, P50: 0.2, Lack: "no ONNX Runtime library"}
	var b bytes.Buffer
	require.NoError(t, r.Text(&b))
	require.Contains(t, b.String(), "✗ over 0.2\n")
	r.Cases = nil
	require.Contains(t, r.Sentence(), "over 1 % in p50 of a scripted server with one trial")
	require.Contains(t, b.String(), "A real stack varies more; embedded was not measured against itself: no ONNX Runtime library.")
	require.Contains(t, b.String(), "by up to 1 % in p50 (19 of 20 pairs)")
}

// TestTheMostThatOthersTookIsKept of the two looks, before and after.
func TestTheMostThatOthersTookIsKept(t *testing.T) {
	var r Report
	see := func(by map[int]float64, holder string) Foreign {
		return func(context.Context, time.Duration) (map[int]float64, string, error) { return by, holder, nil }
	}
	r.look(t.Context(), see(map[int]float64{0: 1, 1: 22}, "4711 cc1"))
	r.look(t.Context(), see(map[int]float64{0: 3, 1: 2}, "12 sh"))
	require.Equal(t, Others{Share: 22, Core: 1, Holder: "4711 cc1"}, r.Foreign)
	r.look(t.Context(), func(context.Context, time.Duration) (map[int]float64, string, error) {
		return nil, "", errors.New("no /proc")
	})
	require.Equal(t, "no /proc", r.Foreign.Problem)
}
