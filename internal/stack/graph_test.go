package stack_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

func TestAGraphIsFoundByNameAndPrecision(t *testing.T) {
	graph := func(name string, p stack.Precision) stack.Graph {
		return stack.Graph{Name: name, File: name + "." + string(p), Precision: p}
	}
	m := stack.Model{Graphs: []stack.Graph{
		graph("encoder", stack.FP32), graph("decoder", stack.FP32), graph("encoder", stack.INT8),
	}}
	g, ok := m.Graph("encoder", stack.INT8)
	require.True(t, ok)
	require.Equal(t, "encoder.int8", g.File)
	_, ok = m.Graph("decoder", stack.INT8)
	require.False(t, ok)
	_, ok = m.Graph(stack.Whole, stack.FP32)
	require.False(t, ok)

	r := stack.Run{Model: m}
	require.Equal(t, m.Graphs[:2], r.Graphs(), "fp32 where nothing else is asked for")
	g, ok = r.Graph("encoder")
	require.True(t, ok)
	require.Equal(t, stack.FP32, g.Precision)
	r.Precision = stack.INT8
	require.Equal(t, m.Graphs[2:], r.Graphs())
	r.Precision = "bf16"
	require.Empty(t, r.Graphs())
}
