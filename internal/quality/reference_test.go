package quality

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

func TestReferenceIsReadBackAndSaysWhoseItIs(t *testing.T) {
	g := golden("local")
	g.Maker = "onnxruntime (embedded stack)"
	file, err := g.Encode()
	require.NoError(t, err)
	require.Zero(t, (len(file)-4*16)%8, "the data is not aligned")
	back, err := Decode(file)
	require.NoError(t, err)
	require.Equal(t, g, back)
	l := NewLogits(back, stack.JPEG, "")
	l.Add("a", []float32{10, 5, 9.99, -3})
	require.True(t, l.Verdict().OK())
	require.Equal(t, "1 of 1 agree (top-1, logits within 2e-2, against the answers of onnxruntime (embedded stack))", l.Verdict().String())

	_, err = Decode(file[:len(file)-1])
	require.ErrorContains(t, err, "reference answers: ")
	g.Maker = ""
	file, err = g.Encode()
	require.NoError(t, err)
	_, err = Decode(file)
	require.ErrorContains(t, err, "something is not said")
	g.Answers["a"][1] = float32(math.NaN())
	_, err = g.Encode()
	require.ErrorContains(t, err, `answer "a" is NaN at 1`)
}

func FuzzDecode(f *testing.F) {
	g := golden("hub")
	file, err := g.Encode()
	require.NoError(f, err)
	f.Add(file)
	f.Add(file[:20])
	f.Add([]byte("<!DOCTYPE html>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		g, err := Decode(file)
		if err != nil {
			return
		}
		again, err := g.Encode()
		require.NoError(t, err)
		back, err := Decode(again)
		require.NoError(t, err)
		require.Equal(t, g, back)
	})
}
