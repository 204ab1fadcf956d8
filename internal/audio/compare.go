package audio

import (
	"fmt"
	"math"
)

// Difference is between two clips of one rate.
type Difference struct {
	Lengths [2]int  // in moments
	Largest float64 // of two samples at the same place, as far as both go
	At      int     // the moment of the largest
	RMS     float64 // of all differences
}

// Within says whether the clips are equally long and nowhere further apart than
// the tolerance.
func (d Difference) Within(tolerance float64) bool {
	return d.Lengths[0] == d.Lengths[1] && d.Largest <= tolerance
}

// String is "53760 and 53760 samples, at most 6.1e-05 apart (sample 812), RMS 1.2e-05".
func (d Difference) String() string {
	return fmt.Sprintf("%d and %d samples, at most %.2g apart (sample %d), RMS %.2g", d.Lengths[0], d.Lengths[1], d.Largest, d.At, d.RMS)
}

// Compare sets one clip beside another, sample by sample.
func Compare(a, b Clip) (Difference, error) {
	if err := b.Expect(a.Rate, a.Channels); err != nil {
		return Difference{}, fmt.Errorf("compare clips: %w", err)
	}
	d := Difference{Lengths: [2]int{a.Length(), b.Length()}}
	n := min(len(a.Samples), len(b.Samples))
	if n == 0 {
		return Difference{}, fmt.Errorf("compare clips: of %d and %d samples: %w", d.Lengths[0], d.Lengths[1], ErrEmpty)
	}
	var sum float64
	for i := range n {
		off := math.Abs(float64(a.Samples[i]) - float64(b.Samples[i]))
		if math.IsNaN(off) || math.IsInf(off, 0) {
			return Difference{}, fmt.Errorf("compare clips: samples %d are %v and %v: %w", i, a.Samples[i], b.Samples[i], ErrSample)
		}
		sum += off * off
		if off > d.Largest {
			d.Largest, d.At = off, i/a.Channels
		}
	}
	d.RMS = math.Sqrt(sum / float64(n))
	return d, nil
}
