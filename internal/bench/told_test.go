package bench

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
	require.InDelta(t, 2, w.evidence.Told.Executions.Runs, 0)
	require.InDelta(t, 4, w.evidence.Told.Executions.Items, 0)
}

// TestCountersOfHalfTheWindowsAreBlank: the records are of all of them.
func TestCountersOfHalfTheWindowsAreBlank(t *testing.T) {
	at := func(runs float64) telemetry.Reading {
		return telemetry.Reading{Batches: &telemetry.Batches{Runs: runs, Items: runs}}
	}
	var c counters
	c.open(at(5), nil)
	did, ok := c.shut(at(7), nil)
	require.True(t, ok)
	require.InDelta(t, 2, did.Batches.Runs, 0)
	c.open(telemetry.Reading{}, errors.New("no page"))
	_, ok = c.shut(at(9), nil)
	require.False(t, ok)
	c.open(at(9), nil)
	_, ok = c.shut(at(12), nil)
	require.False(t, ok)

	c = counters{}
	c.open(at(5), nil)
	_, ok = c.shut(at(1), nil)
	require.False(t, ok, "it was restarted")
}
