// Package audio reads, writes, joins and compares clips of sound, so that what
// goes to a recogniser and what comes from a voice is known sample by sample. It
// does not resample: a clip at another rate than was asked for is refused.
package audio

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Clip is sound as numbers from −1 to 1, the channels of each moment side by
// side. Numbers of 24 bits fit; of 32-bit ones the lowest bits are rounded off.
type Clip struct {
	Rate     int // moments a second
	Channels int // 1 or 2
	Samples  []float32
}

// Length is how many moments the clip has.
func (c Clip) Length() int {
	if c.Channels == 0 {
		return 0
	}
	return len(c.Samples) / c.Channels
}

// Duration is how long the clip sounds.
func (c Clip) Duration() time.Duration {
	if c.Rate == 0 {
		return 0
	}
	return time.Duration(float64(c.Length()) / float64(c.Rate) * float64(time.Second))
}

// Expect refuses a clip that is not of the rate and the channels asked for.
func (c Clip) Expect(rate, channels int) error {
	if c.Rate != rate || c.Channels != channels {
		return fmt.Errorf("take a clip: it has %d Hz and %d channels: %w\ngive it with %d Hz and %d channels: nothing is resampled", c.Rate, c.Channels, ErrFormat, rate, channels)
	}
	return nil
}

// Mono is the mean of both channels.
func (c Clip) Mono() Clip {
	if c.Channels != 2 {
		return c
	}
	out := make([]float32, c.Length())
	for i := range out {
		out[i] = (c.Samples[2*i] + c.Samples[2*i+1]) / 2
	}
	return Clip{Rate: c.Rate, Channels: 1, Samples: out}
}

// moments is how many a duration has, rounded.
func (c Clip) moments(d time.Duration) int {
	return int(math.Round(d.Seconds() * float64(c.Rate)))
}

// Part is where a joined clip stands.
type Part struct {
	Index      int // among the clips given
	Start, End int // moments of the whole
}

// Join puts clips in their order behind each other, with a gap of silence
// between, into a clip of exactly the total. A clip for which there is no room
// is left out; silence fills the rest, which is shorter than any clip of the
// list with its gap. The parts say which were taken, so what is spoken is known.
func Join(clips []Clip, total, gap time.Duration) (Clip, []Part, error) {
	if len(clips) == 0 {
		return Clip{}, nil, fmt.Errorf("join clips: there are none: %w", ErrEmpty)
	}
	first := clips[0]
	whole, pause := first.moments(total), first.moments(gap)
	if total <= 0 || gap < 0 {
		return Clip{}, nil, fmt.Errorf("join clips: %s with gaps of %s: %w\ngive a length over zero, and no gap under", total, gap, ErrFormat)
	}
	out := Clip{Rate: first.Rate, Channels: first.Channels, Samples: make([]float32, whole*first.Channels)}
	var parts []Part
	next := 0
	for i, c := range clips {
		if err := c.Expect(first.Rate, first.Channels); err != nil {
			return Clip{}, nil, fmt.Errorf("join clips: number %d beside the first: %w", i, err)
		}
		if c.Length() == 0 {
			return Clip{}, nil, fmt.Errorf("join clips: number %d has no sound: %w", i, ErrEmpty)
		}
		if next+c.Length() > whole {
			continue
		}
		copy(out.Samples[next*c.Channels:], c.Samples)
		parts = append(parts, Part{Index: i, Start: next, End: next + c.Length()})
		next += c.Length() + pause
	}
	shortest := slices.MinFunc(clips, func(a, b Clip) int { return a.Length() - b.Length() })
	switch {
	case len(parts) == 0:
		return Clip{}, nil, fmt.Errorf("join clips: the shortest has %s, more than %s: %w", shortest.Duration(), total, ErrTooLong)
	case next+shortest.Length() <= whole:
		return Clip{}, nil, fmt.Errorf("join clips: %d come to less than %s: %w\ngive more of them, or the same ones again", len(clips), total, ErrEmpty)
	}
	return out, parts, nil
}
