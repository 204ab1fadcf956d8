// Package batch decides which requests run together. Requests wait in a
// bounded queue; a fixed number of executions are in flight; with the dynamic
// batcher on, the requests that wait are joined into one execution.
package batch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/tensor"
)

// Graph executes a model on inputs whose first dimension is the batch.
type Graph interface {
	Run(inputs []tensor.Tensor) (tensor.Tensor, error)
}

// Options sets a queue.
type Options struct {
	MaxItems int           // of one joined execution; 0 runs each request alone
	MaxDelay time.Duration // how long the first request waits for others
	Waiting  int           // requests that may wait; more are refused
	InFlight int           // executions at a time
	Pads     []int64       // per input: what shorter INT64 rows are filled with
}

// Queue hands requests to a graph.
type Queue struct {
	graph   Graph
	metrics *metrics.Metrics
	options Options
	waiting chan *job
	stop    context.CancelFunc
	stopped context.Context
	workers sync.WaitGroup
}

// job is one request on its way through the queue.
type job struct {
	inputs  []tensor.Tensor
	items   int
	arrived time.Time
	state   atomic.Int32  // pending, then claimed or abandoned, once
	done    chan struct{} // closed when output or err is set
	output  tensor.Tensor
	err     error
}

const (
	pending int32 = iota
	claimed
	abandoned
)

// New starts the queue's workers. Close ends them.
func New(g Graph, m *metrics.Metrics, o Options) *Queue {
	stopped, stop := context.WithCancel(context.Background())
	q := &Queue{graph: g, metrics: m, options: o, waiting: make(chan *job, o.Waiting), stopped: stopped, stop: stop}
	for range o.InFlight {
		q.workers.Go(q.work)
	}
	return q
}

// Close refuses further requests, fails those that wait and returns when the
// executions in flight have ended.
func (q *Queue) Close() {
	q.stop()
	q.workers.Wait()
}

// Do runs the inputs of one request, alone or joined with others, and returns
// its own rows. The inputs are not read after Do has returned. Errors: kind
// Full when the queue is, Gone when ctx ended before the request's turn,
// NotReady after Close; else what the graph returned.
func (q *Queue) Do(ctx context.Context, inputs []tensor.Tensor) (tensor.Tensor, error) {
	j := &job{inputs: inputs, items: inputs[0].Rows(), arrived: time.Now(), done: make(chan struct{})}
	q.metrics.Queued(+1)
	select {
	case q.waiting <- j:
	default:
		q.metrics.Queued(-1)
		return tensor.Tensor{}, fault.New(fault.Full, "the queue of %d requests is full", q.options.Waiting)
	}
	var err error
	select {
	case <-j.done:
		return j.output, j.err
	case <-ctx.Done():
		err = fault.New(fault.Gone, "the client left: %v", ctx.Err())
	case <-q.stopped.Done():
		err = fault.New(fault.NotReady, "the server is stopping")
	}
	if j.state.CompareAndSwap(pending, abandoned) {
		q.metrics.Queued(-1)
		return tensor.Tensor{}, err
	}
	<-j.done // it runs, and reads the inputs
	return j.output, j.err
}

func (q *Queue) work() {
	var next *job
	for {
		if next == nil {
			select {
			case next = <-q.waiting:
			case <-q.stopped.Done():
				return
			}
		}
		var jobs []*job
		jobs, next = q.collect(next)
		if jobs = q.claim(jobs); len(jobs) > 0 {
			q.run(jobs)
		}
	}
}

// collect joins to first what waits, until the items are enough or first has
// waited long enough. A request that does not fit opens the next batch.
func (q *Queue) collect(first *job) (jobs []*job, next *job) {
	jobs = []*job{first}
	items := first.items
	if items >= q.options.MaxItems {
		return jobs, nil
	}
	timer := time.NewTimer(time.Until(first.arrived.Add(q.options.MaxDelay)))
	defer timer.Stop()
	for items < q.options.MaxItems {
		var j *job
		select {
		case j = <-q.waiting: // before the timer, which has fired when the queue was busy
		default:
			select {
			case j = <-q.waiting:
			case <-timer.C:
				return jobs, nil
			case <-q.stopped.Done():
				return jobs, nil
			}
		}
		if items+j.items > q.options.MaxItems {
			return jobs, j
		}
		jobs = append(jobs, j)
		items += j.items
	}
	return jobs, nil
}

// claim drops the requests that nobody waits for any more.
func (q *Queue) claim(jobs []*job) []*job {
	mine := jobs[:0]
	for _, j := range jobs {
		if j.state.CompareAndSwap(pending, claimed) {
			q.metrics.Queued(-1)
			q.metrics.Waited(time.Since(j.arrived))
			mine = append(mine, j)
		}
	}
	return mine
}
