package quality

import (
	"fmt"
	"math"

	"stackbench/internal/stack"
)

// MinCosine is the least cosine between an embedding and the golden one, both
// float32: what computes in it is within 3e-6 of 1, also with another
// approximation of an activation, and what rounds to 16 bits is not.
const MinCosine = 0.99999

// Cosines by what a stack says that it computes in. Rounding to 11 bits leaves
// 1 − cosine around 1e-6…1e-5 of one layer, and to 8 bits 64 times that; layers
// add up.
const (
	minCosine16 = 0.9999 // fp16
	minCosineB  = 0.999  // bf16
	minCosine8  = 0.98   // whatever else, such as int8
)

func cosineOf(precision string) float64 {
	switch precision {
	case "":
		return MinCosine
	case "fp16":
		return minCosine16
	case "bf16":
		return minCosineB
	}
	return minCosine8
}

// normTolerance is how far an embedding's length may be from the golden one's:
// one that was not normalised has the right direction, and is another answer.
const normTolerance = 1e-3

// Embeddings checks embeddings.
type Embeddings struct {
	golden *Golden
	least  float64 // cosine
	tally  tally
}

// NewEmbeddings checks against golden embeddings, what a stack computes in that
// precision ("" is float32). When two of these are closer
// to each other than the rule, no verdict will be OK: an answer to the wrong
// text would pass.
func NewEmbeddings(g *Golden, precision string) *Embeddings {
	e := &Embeddings{golden: g, least: cosineOf(precision)}
	ids := g.sameForm(stack.Text)
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			if cosine(g.Answers[a], g.Answers[b]) >= e.least {
				e.tally.blind = fmt.Sprintf("the golden answers to %s and %s are too close to tell a wrong one", a, b)
			}
		}
	}
	return e
}

// Add checks the embedding that was answered to a text.
func (e *Embeddings) Add(id string, embedding []float32) {
	golden, ok := e.golden.Answers[id]
	switch {
	case !ok:
		e.Broken(id, "no golden answer")
		return
	case len(embedding) != len(golden):
		e.Broken(id, fmt.Sprintf("%d values, want %d", len(embedding), len(golden)))
		return
	}
	if i := nonFinite(embedding); i >= 0 {
		e.Broken(id, fmt.Sprintf("value %d is %v", i, embedding[i]))
		return
	}
	length, want := norm(embedding), norm(golden)
	if length == 0 {
		e.Broken(id, "all values are zero")
		return
	}
	distance := max(0, 1-cosine(embedding, golden)) // rounding may put a cosine above 1
	e.tally.off = max(e.tally.off, furthest(embedding, golden)/furthest(golden, make([]float32, len(golden))))
	switch {
	case 1-distance < e.least:
		e.Broken(id, fmt.Sprintf("cosine %.7f, under %g", 1-distance, e.least))
	case math.Abs(length-want) > normTolerance*want:
		e.Broken(id, fmt.Sprintf("length %.4g, golden %.4g", length, want))
	default:
		e.tally.right(distance)
		return
	}
	e.tally.measure(distance)
}

// Broken counts an answer that could not be read.
func (e *Embeddings) Broken(id, why string) {
	e.tally.wrong(id + ": " + why)
}

// Verdict is on all answers added so far. Its distances are 1 − cosine.
func (e *Embeddings) Verdict() Verdict {
	return e.tally.verdict(fmt.Sprintf("cosine ≥%g, same length", e.least) + e.golden.against())
}

// furthest is the largest difference of two numbers at the same place.
func furthest(a, b []float32) float64 {
	worst := 0.0
	for i := range a {
		worst = max(worst, math.Abs(float64(a[i])-float64(b[i])))
	}
	return worst
}

func cosine(a, b []float32) float64 {
	var dot float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
	}
	return dot / (norm(a) * norm(b))
}

func norm(a []float32) float64 {
	var sum float64
	for _, v := range a {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
