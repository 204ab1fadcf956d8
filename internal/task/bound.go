package task

import (
	"stackbench/internal/stack"
)

// bounded is a wire client of which answers may have no more than so many bytes.
type bounded interface{ Bound(bytes int) }

// An answer may have several times what a right one has: enough for words about
// it and for an error's, and so little that a server which sends without an end
// fails its request, and fills nobody's memory.
const (
	aroundAnswer = 1 << 20
	valueBytes   = 4 * 32   // a value as JSON writes a float, indented
	tokenBytes   = 16 << 10 // an event of a token, with the probabilities of others
)

// answerBytes is the most that an answer to one of these requests may have.
func answerBytes(in inputs, m Served) int {
	most := 0
	for n := range meanOver {
		most = max(most, len(in.Items(n)))
	}
	g, _ := m.Graph(stack.Whole, stack.FP32)
	return aroundAnswer + most*m.Width*max(1, len(g.Outputs))*valueBytes
}

// textBytes is the most that a generated text may have.
func (w *Work) textBytes() int {
	most := 0
	for n := range meanOver {
		most = max(most, w.In.Items(n)[0].asked)
	}
	return aroundAnswer + most*tokenBytes
}
