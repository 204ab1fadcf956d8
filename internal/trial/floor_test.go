package trial

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

func TestWhichFloorsAreMeasured(t *testing.T) {
	big, one, more := textCase(32, 1), textCase(1, 1), textCase(1, 8)
	g, o := suite.Group{Cases: []suite.Case{big, one, more}}, suite.Options{}
	require.False(t, floors(o, g, one), "without a null server")
	g.Null = stack.Stack{Name: "null"}
	for c, want := range map[suite.Case]bool{big: false, one: true, more: false} {
		o.Profile = suite.Quick
		require.Equal(t, want, floors(o, g, c))
		o.Profile = suite.Full
		require.True(t, floors(o, g, c))
	}
	require.Equal(t, floorWindow, floorPlan(one, suite.Options{}).Window)
	slow := one
	slow.Load = suite.Open(4)
	require.Equal(t, 3750*time.Millisecond, floorPlan(slow, suite.Options{}).Window, "long enough for a median")
}

func TestFloorNeedsGoodAnswersAndEnoughOfThem(t *testing.T) {
	w := meter.Window{Length: time.Second, Conns: 1}
	for i := range 20 {
		at := time.Duration(i) * time.Millisecond
		w.Records = append(w.Records, record.Record{Seq: i, Intended: at, Sent: at, First: at + time.Millisecond/2, Last: at + time.Millisecond/2, Done: at + time.Millisecond/2})
	}
	f, err := floorFrom(w)
	require.NoError(t, err)
	require.InDelta(t, 0.5, f.P50, 1e-9)
	require.Zero(t, f.P95, "20 requests have no p95")
	few := w
	few.Records = w.Records[:5]
	_, err = floorFrom(few)
	require.EqualError(t, err, "only 5 requests in its window")
	w.Records[3].Outcome = record.Refused
	_, err = floorFrom(w)
	require.ErrorContains(t, err, "a request to the null server ended as")
}

// TestFloorThatCannotBeMeasuredIsANote: it is no reason to fail a stack, and it
// is tried once.
func TestFloorThatCannotBeMeasuredIsANote(t *testing.T) {
	r, notes := testRig(t, textCase(1, 1))
	r.Group.Null = fakestack.New(t, "null", "dies=0")
	c := textCase(1, 1)
	l := Leaf{Subject: r.Subject(stack.Stack{Name: "fake"}, r.Golden.Models[minilm]), Case: c, Name: nameOf(r.Group, stack.Stack{Name: "fake"}, c)}
	require.Nil(t, r.Floor(context.Background(), l))
	require.Nil(t, r.Floor(context.Background(), l))
	r.Flush()
	require.True(t, strings.HasPrefix(notes.String(), "# no client floor of "+l.Name.String()+": start null: the server exited with code 3"), notes.String())
	require.Equal(t, 1, strings.Count(notes.String(), "\n"))
}
