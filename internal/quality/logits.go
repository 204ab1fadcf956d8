package quality

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"stackbench/internal/stack"
)

// Ranked is one entry of a top list.
type Ranked struct {
	Index int
	Logit float32
}

// Tolerance is how far a logit may be from the golden one, as a share of the
// largest golden logit of that answer (of 1, when all are smaller).
type Tolerance float64

// Tolerances by form of the input. A tensor is the same for all, so what is
// left is the order of additions in float32. A JPEG is decoded by the stack,
// and decoders round the inverse cosine transform differently. On the committed
// photographs Go's decoder with libjpeg's chroma interpolation moved the logits
// of trained EfficientNet-Lite0 by up to 0.7 %, and one that repeats chroma
// samples by up to 9 %: the first is another rounding, the second another
// picture.
const (
	SameTensor  Tolerance = 1e-3
	OwnDecoding Tolerance = 2e-2
)

// Tolerances beside that by what a stack says that it computes in.
const (
	rounded16 Tolerance = 5e-3 // fp16
	roundedB  Tolerance = 4e-2 // bf16
	rounded8  Tolerance = 1e-1 // whatever else, such as int8
)

// ToleranceOf gives the tolerance for a form of input, and what the stack
// computes in ("" is float32).
func ToleranceOf(form stack.Input, precision string) Tolerance {
	t := OwnDecoding
	if form == stack.Tensor {
		t = SameTensor
	}
	switch precision {
	case "":
		return t
	case "fp16":
		return t + rounded16
	case "bf16":
		return t + roundedB
	}
	return t + rounded8
}

// Rule is the tolerance in the words of a report.
func (t Tolerance) Rule() string {
	limit := strings.Replace(strconv.FormatFloat(float64(t), 'e', -1, 64), "e-0", "e-", 1)
	return "top-1, logits within " + limit
}

// Logits checks the answers of a classification.
type Logits struct {
	golden    *Golden
	tolerance Tolerance
	tally     tally
	top       map[string]map[int]int // how often an input's answer was a class
}

// NewLogits checks against golden logits of inputs sent in the given form. When
// two of these are closer to each other than the tolerance, no verdict will be
// OK: an answer to the wrong input would pass.
func NewLogits(g *Golden, form stack.Input, precision string) *Logits {
	l := &Logits{golden: g, tolerance: ToleranceOf(form, precision), top: map[string]map[int]int{}}
	ids := g.sameForm(form)
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			if l.distance(g.Answers[a], g.Answers[b]) <= float64(l.tolerance) {
				l.tally.blind = fmt.Sprintf("the golden answers to %s and %s are too close to tell a wrong one", a, b)
			}
		}
	}
	return l
}

// Loosely makes the tolerance that of two stacks that may each be so far from
// the right answer, as where one's answers stand for it.
func (l *Logits) Loosely() *Logits {
	l.tolerance *= 2
	return l
}

// Add checks the logits that were answered to the input with that golden ID.
func (l *Logits) Add(id string, logits []float32) {
	golden, ok := l.golden.Answers[id]
	switch {
	case !ok:
		l.Broken(id, "no golden answer")
		return
	case len(logits) != len(golden):
		l.Broken(id, fmt.Sprintf("%d logits, want %d", len(logits), len(golden)))
		return
	}
	if i := nonFinite(logits); i >= 0 {
		l.Broken(id, fmt.Sprintf("logit %d is %v", i, logits[i]))
		return
	}
	l.judge(id, golden, argmax(logits), l.distance(logits, golden))
}

// AddTop checks a top list, best first, that was answered to that input.
func (l *Logits) AddTop(id string, top []Ranked) {
	golden, ok := l.golden.Answers[id]
	if !ok {
		l.Broken(id, "no golden answer")
		return
	}
	if fault := malformed(top, len(golden)); fault != "" {
		l.Broken(id, fault)
		return
	}
	worst := 0.0
	scale := magnitude(golden)
	for _, r := range top {
		worst = max(worst, math.Abs(float64(r.Logit)-float64(golden[r.Index]))/scale)
	}
	// The last of the list must also be among the best: what is left out may
	// exceed it only by what rounding explains.
	listed := map[int]bool{}
	for _, r := range top {
		listed[r.Index] = true
	}
	last := float64(top[len(top)-1].Logit)
	for i, v := range golden {
		if !listed[i] {
			worst = max(worst, (float64(v)-last)/scale)
		}
	}
	l.judge(id, golden, top[0].Index, worst)
}

// malformed says what keeps a list from being a top list of that many classes.
func malformed(top []Ranked, classes int) string {
	if len(top) == 0 {
		return "an empty top list"
	}
	seen := map[int]bool{}
	for i, r := range top {
		switch {
		case r.Index < 0 || r.Index >= classes:
			return fmt.Sprintf("class %d of %d", r.Index, classes)
		case seen[r.Index]:
			return fmt.Sprintf("class %d twice in a top list", r.Index)
		case nonFinite([]float32{r.Logit}) == 0:
			return fmt.Sprintf("logit %d is %v", r.Index, r.Logit)
		case i > 0 && r.Logit > top[i-1].Logit:
			return "a top list that is not best first"
		}
		seen[r.Index] = true
	}
	return ""
}

// Broken counts an answer that could not be read.
func (l *Logits) Broken(id, why string) {
	l.tally.wrong(id + ": " + why)
}

// judge decides on an answer. Another class than the golden one agrees only
// when the golden logits of the two are so close that the tolerance swaps them.
func (l *Logits) judge(id string, golden []float32, class int, distance float64) {
	if l.top[id] == nil {
		l.top[id] = map[int]int{}
	}
	l.top[id][class]++
	l.tally.off = max(l.tally.off, distance)
	best := argmax(golden)
	swap := 2 * float64(l.tolerance) * magnitude(golden)
	switch {
	case class != best && float64(golden[best]-golden[class]) > swap:
		l.Broken(id, fmt.Sprintf("top-1 is %d, golden %d", class, best))
	case distance > float64(l.tolerance):
		l.Broken(id, fmt.Sprintf("a logit is %.2g off, allowed %.2g", distance, float64(l.tolerance)))
	default:
		l.tally.right(distance)
		return
	}
	l.tally.measure(distance)
}

// distance is the largest difference of two answers, as a share of the second's
// largest logit.
func (l *Logits) distance(a, b []float32) float64 {
	return furthest(a, b) / magnitude(b)
}

func magnitude(logits []float32) float64 {
	largest := 1.0
	for _, v := range logits {
		largest = max(largest, math.Abs(float64(v)))
	}
	return largest
}

func argmax(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}

// Verdict is on all answers added so far.
func (l *Logits) Verdict() Verdict {
	return l.tally.verdict(l.tolerance.Rule() + l.golden.against())
}

// Accuracy is the share of answers whose best class is a label of their input.
type Accuracy struct {
	Hits     int
	Labelled int
}

// Accuracy counts against the labels of inputs, of which any one is right.
// False with weights that were not trained, and without labelled answers.
func (l *Logits) Accuracy(labels map[string][]int) (Accuracy, bool) {
	var a Accuracy
	for id, classes := range l.top {
		right := labels[strings.TrimSuffix(id, tensorSuffix)]
		if len(right) == 0 {
			continue
		}
		for class, n := range classes {
			a.Labelled += n
			if slices.Contains(right, class) {
				a.Hits += n
			}
		}
	}
	return a, l.golden.Trained() && a.Labelled > 0
}
