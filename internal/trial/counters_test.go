package trial

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/meter"
	"stackbench/internal/stack"
	"stackbench/internal/telemetry"
)

// TestWarmUpsOfLaterWindowsAreLeftOut: between two windows of one execution of
// 2 images each, the server runs 1,000 of 8.
func TestWarmUpsOfLaterWindowsAreLeftOut(t *testing.T) {
	pages := [][2]int{{100, 100}, {101, 102}, {1101, 8102}, {1102, 8104}} // executions and images at each reading
	var read atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p := pages[read.Add(1)-1]
		fmt.Fprintf(w, "# TYPE stackbench_batch_size histogram\nstackbench_batch_size_bucket{model=\"m\",le=\"+Inf\"} %d\nstackbench_batch_size_sum{model=\"m\"} %d\nstackbench_batch_size_count{model=\"m\"} %d\n", p[0], p[1], p[0])
	}))
	defer s.Close()
	w := watched(strings.TrimPrefix(s.URL, "http://"))
	for range 2 {
		w.open(context.Background())
		w.shut(context.Background())
	}
	require.InDelta(t, 2, w.evidence.Telemetry.Executions.Runs, 0)
	require.InDelta(t, 4, w.evidence.Telemetry.Executions.Items, 0)
}

// TestCountersOfHalfTheWindowsAreBlank: the records are of all of them.
func TestCountersOfHalfTheWindowsAreBlank(t *testing.T) {
	at := func(runs float64) telemetry.Reading {
		return telemetry.Reading{Batches: &telemetry.Batches{Runs: runs, Items: runs}}
	}
	var c counters
	c.open(at(5), nil)
	did, err := c.shut(at(7), nil)
	require.NoError(t, err)
	require.InDelta(t, 2, did.Batches.Runs, 0)
	c.open(telemetry.Reading{}, errors.New("no page"))
	_, err = c.shut(at(9), nil)
	require.EqualError(t, err, "no page")
	c.open(at(9), nil)
	_, err = c.shut(at(12), nil)
	require.Error(t, err)

	c = counters{}
	c.open(at(5), nil)
	_, err = c.shut(at(1), nil)
	require.ErrorContains(t, err, "was the server restarted?")
}

// TestCountersThatCannotBeReadAreADoubt, with the cause, of a stack that says
// that it has some; of one that says nothing, nothing is said.
func TestCountersThatCannotBeReadAreADoubt(t *testing.T) {
	var answer atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, answer.Load())
	}))
	defer s.Close()
	const page = "# TYPE stackbench_batch_size histogram\nstackbench_batch_size_bucket{model=\"m\",le=\"+Inf\"} %[1]d\nstackbench_batch_size_sum{model=\"m\"} %[1]d\nstackbench_batch_size_count{model=\"m\"} %[1]d\n"
	doubts := func(kind stack.Telemetry, opening, closing string) []string {
		w := watched(strings.TrimPrefix(s.URL, "http://"))
		w.source.Kind = kind
		answer.Store(opening)
		w.open(context.Background())
		answer.Store(closing)
		w.shut(context.Background())
		var out []string
		for _, why := range meter.Summarise(nil, w.evidence).Doubts {
			if why.Rule == meter.RuleTelemetry {
				out = append(out, why.Text)
			}
		}
		return out
	}
	first, next := fmt.Sprintf(page, 5), fmt.Sprintf(page, 7)
	require.Empty(t, doubts(stack.OwnMetrics, first, next))
	require.Empty(t, doubts("", "", ""), "it tells nothing")
	const what = "the server's own counters could not be read: "
	require.Equal(t, []string{what + "executions: a counter went backwards: was the server restarted?"}, doubts(stack.OwnMetrics, next, first))
	for _, broken := range [][2]string{{first, "stackbench_batch_size_count{"}, {"stackbench_batch_size_count{", next}} {
		got := doubts(stack.OwnMetrics, broken[0], broken[1])
		require.Len(t, got, 1)
		require.Contains(t, got[0], what)
	}
}

// What a batcher fills is held against what its server takes, where that is less.
func TestJoined(t *testing.T) {
	require.Equal(t, 4, joined(32, 4))
	require.Equal(t, 2, joined(2, 4))
	require.Equal(t, 32, joined(32, 0), "it does not tell")
	require.Equal(t, 0, joined(0, 4), "nothing was asked")
}
