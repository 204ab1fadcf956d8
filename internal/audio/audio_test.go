package audio

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func tone(rate int, hertz, loud float64, d time.Duration) Clip {
	c := Clip{Rate: rate, Channels: 1}
	for i := range c.moments(d) {
		c.Samples = append(c.Samples, float32(loud*math.Sin(2*math.Pi*hertz*float64(i)/float64(rate))))
	}
	return c
}

// louder multiplies and cuts off what is beyond full scale.
func louder(c Clip, by float64) Clip {
	out := Clip{Rate: c.Rate, Channels: c.Channels}
	for _, v := range c.Samples {
		out.Samples = append(out.Samples, float32(max(-1, min(1, float64(v)*by))))
	}
	return out
}

func TestJoin(t *testing.T) {
	all := clips(t)
	twice := append(append(append([]Clip(nil), all...), all...), all...)
	gap := 300 * time.Millisecond
	for seconds, want := range map[int][]int{5: {1}, 15: {0, 1, 4}, 30: {0, 1, 2, 3, 4, 6}, 60: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}} {
		total := time.Duration(seconds) * time.Second
		joined, parts, err := Join(twice, total, gap)
		require.NoError(t, err)
		require.Equal(t, total, joined.Duration())
		var took []int
		next := 0
		for _, p := range parts {
			took = append(took, p.Index)
			require.Equal(t, next, p.Start)
			require.Equal(t, twice[p.Index].Samples, joined.Samples[p.Start:p.End])
			next = p.End + 4800
			for _, v := range joined.Samples[p.End:min(next, len(joined.Samples))] {
				require.Zero(t, v)
			}
		}
		require.Equal(t, want, took, "%d s", seconds)
		require.Less(t, joined.Length()-next, all[1].Length(), "no room for the shortest")
	}
}

func TestJoinRefuses(t *testing.T) {
	all := clips(t)
	for name, c := range map[string]struct {
		clips      []Clip
		total, gap time.Duration
		kind       error
	}{
		"no clips":           {nil, time.Second, 0, ErrEmpty},
		"too few":            {all, time.Minute, 0, ErrEmpty},
		"all too long":       {all, time.Second, 0, ErrTooLong},
		"one has no sound":   {[]Clip{all[0], {Rate: 16000, Channels: 1}}, 8 * time.Second, 0, ErrEmpty},
		"another rate":       {[]Clip{all[1], tone(8000, 440, 0.5, time.Second)}, 5 * time.Second, 0, ErrFormat},
		"another channel":    {[]Clip{all[1], {16000, 2, make([]float32, 32000)}}, 5 * time.Second, 0, ErrFormat},
		"no length":          {all, 0, 0, ErrFormat},
		"a gap under naught": {all, 5 * time.Second, -1, ErrFormat},
	} {
		_, _, err := Join(c.clips, c.total, c.gap)
		require.ErrorIs(t, err, c.kind, name)
	}
}

func TestExpectRefusesOtherRates(t *testing.T) {
	c := tone(8000, 440, 0.5, time.Second)
	require.NoError(t, c.Expect(8000, 1))
	require.EqualError(t, c.Expect(16000, 1), "take a clip: it has 8000 Hz and 1 channels: another format than is read\ngive it with 16000 Hz and 1 channels: nothing is resampled")
	require.ErrorIs(t, c.Expect(8000, 2), ErrFormat)
}

func TestCompare(t *testing.T) {
	a := Clip{22050, 1, []float32{0, 0.5, -0.5, 0.25}}
	d, err := Compare(a, Clip{22050, 1, []float32{0, 0.5, -0.25, 0.25}})
	require.NoError(t, err)
	require.Equal(t, Difference{Lengths: [2]int{4, 4}, Largest: 0.25, At: 2, RMS: 0.125}, d)
	require.Equal(t, "4 and 4 samples, at most 0.25 apart (sample 2), RMS 0.12", d.String())
	require.True(t, d.Within(0.25))
	require.False(t, d.Within(0.2))

	d, err = Compare(a, Clip{22050, 1, a.Samples[:3]})
	require.NoError(t, err)
	require.Zero(t, d.Largest)
	require.False(t, d.Within(1), "cut short")

	d, err = Compare(Clip{22050, 2, a.Samples}, Clip{22050, 2, []float32{0, 0.5, -0.5, 0}})
	require.NoError(t, err)
	require.Equal(t, 1, d.At)

	for name, b := range map[string]Clip{
		"another rate": {16000, 1, a.Samples}, "another channel": {22050, 2, a.Samples}, "nothing": {22050, 1, nil},
		"no number": {22050, 1, []float32{0, float32(math.NaN())}},
	} {
		_, err := Compare(a, b)
		require.Error(t, err, name)
	}
}

func TestMeasure(t *testing.T) {
	c := tone(16000, 200, 0.5, 100*time.Millisecond)
	c.Samples = append(c.Samples, make([]float32, 1600)...) // as much silence
	c.Samples = append(c.Samples, tone(16000, 200, 0.5, 100*time.Millisecond).Samples...)
	l := Measure(c)
	require.InDelta(t, 0.5, l.Peak, 1e-6)
	require.InDelta(t, 0.5/math.Sqrt2*math.Sqrt(2.0/3), l.RMS, 1e-3)
	require.InDelta(t, 1.0/3, l.Quiet, 1e-9)
	require.Equal(t, 100*time.Millisecond, l.Longest)
	require.Zero(t, l.Clipped)
	require.False(t, l.Silent())

	require.True(t, Measure(Clip{}).Silent())
	require.True(t, Measure(Clip{16000, 1, make([]float32, 100)}).Silent())
	require.Equal(t, 7, Measure(Clip{16000, 1, []float32{1, 1, 1, 0, 1, 1, 0, -1, -1, -1, -1, 1, 1}}).Clipped)
	require.Equal(t, 3, Measure(Clip{16000, 2, []float32{1, 0, 1, 0, 1, 1, 0, 1}}).Clipped, "the other channel has two")
}

// How often silence is heard where somebody speaks, and speech in silence.
func TestSilenceSimulated(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 1))
	for _, c := range clips(t) {
		for _, by := range []float64{1, 0.3, 0.1, 0.03} {
			require.False(t, Measure(louder(c, by)).Silent(), "speech at %g of its loudness", by)
		}
	}
	for range 100 {
		hiss := Clip{Rate: 16000, Channels: 1}
		loud := math.Pow(10, -(65+25*rng.Float64())/20) // −65 to −90 dB
		for range 16000 {
			hiss.Samples = append(hiss.Samples, float32(loud*rng.NormFloat64()))
		}
		require.True(t, Measure(hiss).Silent())
	}
}

// How often clipping is seen in speech at full loudness, and not seen where it is.
func TestClippingSimulated(t *testing.T) {
	for _, c := range clips(t) {
		peak := Measure(c).Peak
		require.Zero(t, Measure(louder(c, 1/peak)).Clipped, "as loud as it can be")
		for _, by := range []float64{1.5, 2, 4} {
			require.Positive(t, Measure(louder(c, by/peak)).Clipped, "%g times louder than it can be", by)
		}
	}
	for hertz := 100.0; hertz <= 4000; hertz *= 1.1 {
		require.Zero(t, Measure(tone(16000, hertz, 1, time.Second)).Clipped, "%g Hz", hertz)
	}
}
