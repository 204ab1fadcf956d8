package bench

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/stack"
)

func TestWhichFloorsAreMeasured(t *testing.T) {
	big, one, more := textCase(32, 1), textCase(1, 1), textCase(1, 8)
	g, o := Group{Cases: []Case{big, one, more}}, Options{}
	require.False(t, floors(o, g, one), "without a null server")
	g.Null = stack.Stack{Name: "null"}
	for c, want := range map[Case]bool{big: false, one: true, more: false} {
		o.Profile = Quick
		require.Equal(t, want, floors(o, g, c))
		o.Profile = Full
		require.True(t, floors(o, g, c))
	}
	require.Equal(t, floorWindow, floorPlan(one, Options{}).Window)
	slow := one
	slow.Load = Open(4)
	require.Equal(t, 3750*time.Millisecond, floorPlan(slow, Options{}).Window, "long enough for a median")
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
	r, notes := testRun(t, textCase(1, 1))
	r.group.Null = fakeStack(t, "null", "dies=0")
	c := textCase(1, 1)
	l := leaf{session: r.subject(stack.Stack{Name: "fake"}, r.store.models[minilm]), c: c, name: nameOf(r.group, stack.Stack{Name: "fake"}, c)}
	require.Nil(t, r.floor(context.Background(), l))
	require.Nil(t, r.floor(context.Background(), l))
	r.flush()
	require.True(t, strings.HasPrefix(notes.String(), "# no client floor of "+l.name.String()+": start null: the server exited with code 3"), notes.String())
	require.Equal(t, 1, strings.Count(notes.String(), "\n"))
}
