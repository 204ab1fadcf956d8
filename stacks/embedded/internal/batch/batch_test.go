package batch_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/batch"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/tensor"
)

// doubler answers each row twice its value, after a time; a row of -1 fails.
type doubler struct {
	takes   time.Duration
	mu      sync.Mutex
	batches []int // items of each execution, in order
	active  int
	most    int // executions at a time
}

func (d *doubler) Run(inputs []tensor.Tensor) (tensor.Tensor, error) {
	d.mu.Lock()
	d.batches = append(d.batches, inputs[0].Rows())
	d.active++
	d.most = max(d.most, d.active)
	d.mu.Unlock()
	time.Sleep(d.takes) // virtual: the tests run in a synctest bubble
	d.mu.Lock()
	defer d.mu.Unlock()
	d.active--
	out := tensor.Tensor{Name: "out", Type: tensor.FP32, Shape: inputs[0].Shape}
	for _, v := range inputs[0].F32 {
		if v == -1 {
			return out, errors.New("a row of -1")
		}
		out.F32 = append(out.F32, 2*v)
	}
	return out, nil
}

func rows(values ...float32) []tensor.Tensor {
	return []tensor.Tensor{{Name: "in", Type: tensor.FP32, Shape: []int64{int64(len(values)), 1}, F32: values}}
}

// bench is a queue in front of a doubler, inside a synctest bubble.
type bench struct {
	*testing.T
	graph   *doubler
	queue   *batch.Queue
	metrics *metrics.Metrics
	calls   sync.WaitGroup
}

func run(t *testing.T, takes time.Duration, o batch.Options, test func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, graph: &doubler{takes: takes}, metrics: metrics.New("m")}
		o.Pads = []int64{0}
		b.queue = batch.New(b.graph, b.metrics, o)
		test(b)
		b.calls.Wait()
		b.queue.Close()
	})
}

// ask sends values in the background; the answer must be their doubles.
func (b *bench) ask(values ...float32) {
	b.calls.Go(func() {
		out, err := b.queue.Do(context.Background(), rows(values...))
		if err != nil {
			b.Errorf("%v: %v", values, err)
			return
		}
		for i, v := range values {
			if out.F32[i] != 2*v {
				b.Errorf("%v: answered %v", values, out.F32)
			}
		}
	})
	synctest.Wait()
}

// askInVain sends values in the background; the answer must be an error.
func (b *bench) askInVain(want fault.Kind, message string, values ...float32) {
	b.calls.Go(func() {
		_, err := b.queue.Do(context.Background(), rows(values...))
		if err == nil || fault.KindOf(err) != want || !strings.Contains(err.Error(), message) {
			b.Errorf("%v: the error is %v, not one of %q", values, err, message)
		}
	})
	synctest.Wait()
}

func TestWithoutBatcherEachRequestRunsAlone(t *testing.T) {
	run(t, time.Second, batch.Options{Waiting: 10, InFlight: 1}, func(b *bench) {
		b.ask(1)
		b.ask(2, 3)
		b.ask(4)
		b.calls.Wait()
		require.Equal(t, []int{1, 2, 1}, b.graph.batches)
		require.Equal(t, 1, b.graph.most)
	})
}

func TestInFlightIsTheLimit(t *testing.T) {
	run(t, time.Second, batch.Options{Waiting: 10, InFlight: 2}, func(b *bench) {
		start := time.Now()
		for i := range 6 {
			b.ask(float32(i))
		}
		b.calls.Wait()
		require.Equal(t, 2, b.graph.most)
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestBatcherWaitsForOthersUntilTheDelay(t *testing.T) {
	run(t, time.Second, batch.Options{MaxItems: 8, MaxDelay: 10 * time.Millisecond, Waiting: 10, InFlight: 1}, func(b *bench) {
		start := time.Now()
		b.ask(1)
		time.Sleep(5 * time.Millisecond)
		b.ask(2, 3)
		b.calls.Wait()
		require.Equal(t, []int{3}, b.graph.batches)
		require.Equal(t, 1010*time.Millisecond, time.Since(start))
	})
}

func TestFullBatchDoesNotWait(t *testing.T) {
	run(t, time.Second, batch.Options{MaxItems: 4, MaxDelay: time.Hour, Waiting: 10, InFlight: 1}, func(b *bench) {
		start := time.Now()
		b.ask(1, 2)
		b.ask(3, 4)
		b.calls.Wait()
		require.Equal(t, []int{4}, b.graph.batches)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestRequestsThatWaitedForAnExecutionRunTogetherAtOnce(t *testing.T) {
	run(t, time.Second, batch.Options{MaxItems: 4, MaxDelay: time.Millisecond, Waiting: 10, InFlight: 1}, func(b *bench) {
		start := time.Now()
		b.ask(1)
		time.Sleep(2 * time.Millisecond) // 1 has left alone
		for i := range 5 {
			b.ask(float32(i))
		}
		b.calls.Wait()
		require.Equal(t, []int{1, 4, 1}, b.graph.batches)
		require.Equal(t, 3001*time.Millisecond, time.Since(start))
	})
}

func TestARequestThatDoesNotFitOpensTheNextBatch(t *testing.T) {
	run(t, time.Second, batch.Options{MaxItems: 4, MaxDelay: time.Millisecond, Waiting: 10, InFlight: 1}, func(b *bench) {
		b.ask(1, 2, 3)
		b.ask(4, 5)
		b.ask(6)
		b.ask(1, 2, 3, 4, 5, 6) // larger than a batch: whole, and alone
		b.calls.Wait()
		require.Equal(t, []int{3, 3, 6}, b.graph.batches)
	})
}

func TestFullQueueRefuses(t *testing.T) {
	run(t, time.Second, batch.Options{Waiting: 2, InFlight: 1}, func(b *bench) {
		b.ask(1) // runs
		b.ask(2)
		b.ask(3)
		require.Equal(t, 2.0, depth(t, b.metrics))
		_, err := b.queue.Do(context.Background(), rows(4))
		require.Equal(t, fault.Full, fault.KindOf(err))
		require.Equal(t, 2.0, depth(t, b.metrics))
		b.calls.Wait()
		require.Equal(t, 0.0, depth(t, b.metrics))
		require.Equal(t, []int{1, 1, 1}, b.graph.batches)
	})
}

func TestAClientThatLeavesIsNotComputed(t *testing.T) {
	run(t, time.Second, batch.Options{Waiting: 2, InFlight: 1}, func(b *bench) {
		b.ask(1)
		ctx, leave := context.WithTimeout(context.Background(), time.Millisecond)
		defer leave()
		_, err := b.queue.Do(ctx, rows(2))
		require.Equal(t, fault.Gone, fault.KindOf(err))
		require.Equal(t, 0.0, depth(t, b.metrics))
		b.ask(3)
		b.calls.Wait()
		require.Equal(t, []int{1, 1}, b.graph.batches)
	})
}

func TestAClientThatLeavesDuringItsExecutionWaits(t *testing.T) {
	run(t, time.Second, batch.Options{Waiting: 2, InFlight: 1}, func(b *bench) {
		ctx, leave := context.WithTimeout(context.Background(), time.Millisecond)
		defer leave()
		start := time.Now()
		out, err := b.queue.Do(ctx, rows(2)) // the graph still reads the inputs
		require.NoError(t, err)
		require.Equal(t, []float32{4}, out.F32)
		require.Equal(t, time.Second, time.Since(start))
	})
}

func TestOneBadRequestDoesNotFailItsNeighbours(t *testing.T) {
	run(t, time.Second, batch.Options{MaxItems: 4, MaxDelay: time.Millisecond, Waiting: 10, InFlight: 1}, func(b *bench) {
		b.ask(1)
		b.askInVain(fault.Compute, "a row of -1", -1)
		b.ask(2)
		b.calls.Wait()
		require.Equal(t, []int{3, 1, 1, 1}, b.graph.batches)
	})
}

func TestCloseFailsWhatWaits(t *testing.T) {
	run(t, time.Second, batch.Options{Waiting: 10, InFlight: 1}, func(b *bench) {
		b.ask(1)
		b.askInVain(fault.NotReady, "stopping", 2)
		start := time.Now()
		b.queue.Close()
		require.Equal(t, time.Second, time.Since(start))
		_, err := b.queue.Do(context.Background(), rows(3))
		require.Equal(t, fault.NotReady, fault.KindOf(err))
		require.Equal(t, []int{1}, b.graph.batches)
	})
}

func TestMetricsCountWaitsAndBatches(t *testing.T) {
	run(t, time.Second, batch.Options{MaxItems: 4, MaxDelay: time.Millisecond, Waiting: 10, InFlight: 1}, func(b *bench) {
		b.ask(1, 2)
		b.ask(3)
		b.calls.Wait()
		count, sum := histogram(t, b.metrics, "stackbench_batch_size")
		require.Equal(t, uint64(1), count)
		require.Equal(t, 3.0, sum)
		count, sum = histogram(t, b.metrics, "stackbench_queue_seconds")
		require.Equal(t, uint64(2), count)
		require.InDelta(t, 0.002, sum, 1e-9)
		count, sum = histogram(t, b.metrics, "stackbench_compute_seconds")
		require.Equal(t, uint64(2), count, "one a request")
		require.InDelta(t, 2, sum, 1e-9, "both waited for the whole execution")
	})
}

func depth(t *testing.T, m *metrics.Metrics) float64 {
	t.Helper()
	families, err := m.Gatherer().Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "stackbench_queue_depth" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("no stackbench_queue_depth")
	return 0
}

func histogram(t *testing.T, m *metrics.Metrics, name string) (count uint64, sum float64) {
	t.Helper()
	families, err := m.Gatherer().Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			h := f.GetMetric()[0].GetHistogram()
			return h.GetSampleCount(), h.GetSampleSum()
		}
	}
	t.Fatalf("no %s", name)
	return 0, 0
}
