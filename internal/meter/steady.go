package meter

import (
	"fmt"
	"math"
	"slices"
	"time"

	"stackbench/internal/record"
)

// Steadiness is the verdict on the course of a window.
type Steadiness struct {
	Verdict Steady
	Detail  string // why it is not steady, or cannot be told; "" when it is
}

// Steady names a verdict.
type Steady string

const (
	IsSteady  Steady = "steady"
	NotSteady Steady = "none"      // it changed in the window
	TooShort  Steady = "too short" // a change that matters could hide in so few requests
)

// change is by how much parts of a window must differ to count, and seen the
// change that a window must be long enough to show.
const (
	change = 1.10
	seen   = 1.20
)

// Judge says whether the server was in one state over the window. Both loops:
// it did not stop, and its failures are not bunched. A closed loop: the
// response times of halves and thirds do not differ by over 10 %, beyond what
// chance does. An open loop: its queue does not grow. How often that errs is
// measured by TestSteadinessErrs.
func Judge(w Window) Steadiness {
	records := byIssue(w.Records)
	for _, find := range []func([]record.Record, Window) string{stops, bunches} {
		if why := find(records, w); why != "" {
			return Steadiness{NotSteady, why}
		}
	}
	var took []time.Duration
	for _, r := range records {
		if r.Outcome == record.Good {
			took = append(took, max(1, latency(r, w.Open)))
		}
	}
	if w.Open {
		return queue(took)
	}
	return level(took, max(1, w.Conns))
}

// Requests of different users are not independent: users of a server that
// batches are all answered at once, and in a queue each waits for the ones
// before. So a closed loop is cut into rounds of one request a user, and the
// rounds into blocks, whose means are taken as independent.
const (
	blocks      = 24 // divisible by six: the halves and the thirds are whole blocks
	fewBlocks   = 12
	blockRounds = 2 // rounds in each of many blocks; else there are few
	leastRounds = fewBlocks
)

// Blocks that are like their neighbours are not independent after all: then
// the error is larger than their scatter says.
const (
	alike   = 0.40 // correlation of neighbours over which that is believed
	farLess = 0.1  // share of the variance of the halves
	fewer   = 1.3  // Student's t then has fewer degrees of freedom than the limits are for: so much variance for that
)

// vague is by how much more parts must differ where their scatter hides a
// change that matters. Neighbours are alike in a drift, too: a gross change is
// held to their scatter alone.
const (
	vague = 1.5
	gross = 1.5
)

// contrast is a comparison of two parts of the blocks, in sixths.
type contrast struct {
	name   string
	a, b   [2]int // from, to
	limits [2]float64
}

// contrasts are the halves, for a step in mid-window, and the thirds. The
// limits are Student's t, two-sided, at 1 % and at 0.5 %, for the 10 and 22
// degrees of freedom of few and of many blocks.
func contrasts() []contrast {
	thirds := [2]float64{3.581, 3.119}
	return []contrast{
		{"from its first half to its second", [2]int{0, 3}, [2]int{3, 6}, [2]float64{3.169, 2.819}},
		{"from its first third to its last", [2]int{0, 2}, [2]int{4, 6}, thirds},
		{"from its first third to its second", [2]int{0, 2}, [2]int{2, 4}, thirds},
		{"from its second third to its last", [2]int{2, 4}, [2]int{4, 6}, thirds},
	}
}

// level judges a closed loop by the logarithms of its response times: a mean of
// them is a geometric one, which no single slow answer moves far.
func level(took []time.Duration, users int) Steadiness {
	rounds := len(took) / users
	if rounds < leastRounds {
		return Steadiness{TooShort, fmt.Sprintf("fewer than %d requests a user", leastRounds)}
	}
	number, many := fewBlocks, 0
	if rounds >= blocks*blockRounds {
		number, many = blocks, 1
	}
	means := blockMeans(logarithms(took), users, number)
	variance, inflation := scatter(means)
	for _, c := range contrasts() {
		step, err := c.of(means, variance)
		limit := c.limits[many] * err
		honest := limit * math.Sqrt(inflation)
		if honest > math.Log(seen) {
			honest *= vague // what so little can tell must be plain
		}
		size := math.Abs(step)
		if size > math.Log(change) && size > honest || size > math.Log(gross) && size > limit {
			return Steadiness{NotSteady, fmt.Sprintf("response times change by %+.0f %% %s", 100*(math.Exp(step)-1), c.name)}
		}
	}
	c := contrasts()[0]
	if _, err := c.of(means, variance*inflation); c.limits[many]*err > math.Log(seen) {
		return Steadiness{TooShort, fmt.Sprintf("response times scatter so much, or change so slowly, that a change by %.0f %% would not show in %d requests", 100*(seen-1), len(took))}
	}
	return Steadiness{Verdict: IsSteady}
}

func logarithms(times []time.Duration) []float64 {
	out := make([]float64, len(times))
	for i, t := range times {
		out[i] = math.Log(float64(t))
	}
	return out
}

// blockMeans cuts values into blocks of whole rounds.
func blockMeans(values []float64, users, number int) []float64 {
	rounds := len(values) / users
	var out []float64
	for i := range number {
		out = append(out, average(values[i*rounds/number*users:(i+1)*rounds/number*users]))
	}
	return out
}

// of gives the difference of the two parts and its standard error, where the
// variance of a block is known.
func (c contrast) of(means []float64, variance float64) (step, err float64) {
	part := func(p [2]int) []float64 { return means[p[0]*len(means)/6 : p[1]*len(means)/6] }
	a, b := part(c.a), part(c.b)
	return average(b) - average(a), math.Sqrt(variance * (1/float64(len(a)) + 1/float64(len(b))))
}

func average(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// scatter is the variance of a block within the halves or within the outer
// thirds, and by how much it must be taken for larger because neighbours are
// alike: so many independent blocks would tell no more. The thirds count where
// they scatter far less: then the halves hold a step, which is no scatter.
func scatter(means []float64) (variance, inflation float64) {
	half, third := len(means)/2, len(means)/3
	variance, inflation = within(means[:half], means[half:])
	if v, i := within(means[:third], means[len(means)-third:]); v < farLess*variance {
		return v, i
	}
	return variance, inflation
}

func within(a, b []float64) (variance, inflation float64) {
	squaresA, nextA := residues(a)
	squaresB, nextB := residues(b)
	variance = (squaresA + squaresB) / float64(len(a)+len(b)-2)
	like := (nextA + nextB) / max(squaresA+squaresB, math.SmallestNonzeroFloat64)
	like += (1 + 4*max(like, 0)) / float64(len(a)) // in few blocks it comes out too low by about so much
	if like < alike {
		return variance, 1
	}
	like = min(like, 0.95)
	return variance, fewer * (1 + like) / (1 - like)
}

// residues gives the sum of the squared distances from the mean, and the sum of
// the products of each with the next.
func residues(values []float64) (squares, next float64) {
	m := average(values)
	for i, v := range values {
		squares += (v - m) * (v - m)
		if i > 0 {
			next += (v - m) * (values[i-1] - m)
		}
	}
	return squares, next
}

// worst is the verdict of a sample of windows: that of the least steady one.
func worst(windows []Window) Steadiness {
	if len(windows) == 0 {
		return Steadiness{TooShort, "no window"}
	}
	rank := map[Steady]int{IsSteady: 0, TooShort: 1, NotSteady: 2}
	var found []Steadiness
	for _, w := range windows {
		found = append(found, Judge(w))
	}
	return slices.MaxFunc(found, func(a, b Steadiness) int { return rank[a.Verdict] - rank[b.Verdict] })
}
