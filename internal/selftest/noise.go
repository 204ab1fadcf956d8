package selftest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"stackbench/internal/fake"
)

// Noise is how far two measurements of one thing are apart on this machine.
type Noise struct {
	Of     string // what was measured
	Starts int
	P50    float64 // smallest difference that one trial against one tells, %; 0: not known
	P95    float64
	Lack   string // why no real stack was measured; "" when one was
}

// noise measures a real stack against itself; a scripted server where none can
// be had. The samples are what the starts measured.
func (l Lab) noise(ctx context.Context) (n Noise, got []Sample, err error) {
	lack := "not in the short test"
	if l.Again != nil && !l.Short {
		l.Say("embedded against itself, %d starts", starts)
		if got, err = l.Again(ctx, starts); err == nil {
			n, err = told("the embedded stack", got)
			return n, got, err
		}
		if context.Cause(ctx) != nil {
			return Noise{}, nil, err
		}
		lack, _, _ = strings.Cut(err.Error(), "\n")
	}
	l.Say("a scripted server against itself, %d starts", fewStarts)
	got = nil
	for range fewStarts {
		s, err := l.once(ctx, fake.Script{Body: []byte(body), Delay: 5 * time.Millisecond}, time.Second)
		if err != nil {
			return Noise{}, nil, err
		}
		got = append(got, s)
	}
	n, err = told("a scripted server", got)
	n.Lack = lack
	return n, got, err
}

// told is the noise of what fresh starts measured.
func told(of string, got []Sample) (Noise, error) {
	n := Noise{Of: of, Starts: len(got)}
	var p50, p95 []float64
	for _, s := range got {
		p50 = append(p50, s.P50)
		if s.P95 > 0 {
			p95 = append(p95, s.P95)
		}
	}
	var err error
	if n.P50, err = smallest(p50); err != nil {
		return n, fmt.Errorf("%s against itself: %w", of, err)
	}
	if len(p95) == len(got) {
		n.P95, err = smallest(p95)
	}
	return n, err
}

// smallest is the difference, in percent, that two single measurements of the
// same thing stay under in 95 of 100 cases: a difference over it is one of the
// things. It is the t interval of a difference of two, of the logarithms, with
// the spread that was seen. docs/validity.md has its error rates.
func smallest(values []float64) (percent float64, err error) {
	n := len(values)
	if n < 3 {
		return 0, errors.New("it takes three measurements to see how they spread")
	}
	var mean, squares float64
	for _, v := range values {
		if !(v > 0) || math.IsInf(v, 0) {
			return 0, fmt.Errorf("a measurement of %v", v)
		}
		mean += math.Log(v) / float64(n)
	}
	for _, v := range values {
		squares += (math.Log(v) - mean) * (math.Log(v) - mean)
	}
	spread := math.Sqrt(squares / float64(n-1))
	return 100 * math.Expm1(student(n-1)*math.Sqrt2*spread), nil
}

// student is the 97.5 % point of Student's t for the degrees of freedom: from
// its table, and beyond it from Cornish and Fisher's expansion, which is right
// to 0.1 % there.
func student(df int) float64 {
	table := []float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228}
	if df <= len(table) {
		return table[df-1]
	}
	const z = 1.959964
	v := float64(df)
	return z + (z*z*z+z)/(4*v) + (5*math.Pow(z, 5)+16*z*z*z+3*z)/(96*v*v)
}
