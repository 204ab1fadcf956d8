package task

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// The bound is of the case: many times what its right answers have, and
// nowhere near what would fill a machine's memory.
func TestBoundsOfAnswers(t *testing.T) {
	m := Served{Model: stack.Model{Graphs: []stack.Graph{{Name: stack.Whole, Precision: stack.FP32, Outputs: []stack.TensorSpec{{}}}}}, Width: 1000}
	one := answerBytes(Fixed{{Items: make([]Item, 1)}}, m)
	all := answerBytes(Fixed{{Items: make([]Item, 2)}, {Items: make([]Item, 32)}}, m)
	require.Greater(t, one, 1000*25*4, "a JSON float has up to 25 bytes")
	require.Less(t, one, 2<<20)
	require.Greater(t, all, 32*1000*25*4, "the largest batch counts")
	require.Less(t, all, 8<<20)
	w := &Work{In: Fixed{{Items: []Item{{asked: 16}}}, {Items: []Item{{asked: 128}}}}}
	require.Greater(t, w.textBytes(), 128*4096, "an event of a token may carry probabilities of others")
	require.Less(t, w.textBytes(), 4<<20)
}
