package bench

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/trial"
)

// TestFloorThatCannotBeMeasuredIsANote: it is no reason to fail a stack, and it
// is tried once.
func TestFloorThatCannotBeMeasuredIsANote(t *testing.T) {
	r, notes := testRun(t, textCase(1, 1))
	r.Group.Null = fakeStack(t, "null", "dies=0")
	c := textCase(1, 1)
	l := trial.Leaf{Subject: r.Subject(stack.Stack{Name: "fake"}, r.Golden.Models[minilm]), Case: c, Name: trial.NameOf(r.Group, stack.Stack{Name: "fake"}, c)}
	require.Nil(t, r.Floor(context.Background(), l))
	require.Nil(t, r.Floor(context.Background(), l))
	r.Flush()
	require.True(t, strings.HasPrefix(notes.String(), "# no client floor of "+l.Name.String()+": start null: the server exited with code 3"), notes.String())
	require.Equal(t, 1, strings.Count(notes.String(), "\n"))
}
