package trial

import (
	"context"
	"sync"
	"time"

	"stackbench/internal/telemetry"
)

// askEvery is how often a server is asked for its queue. Each question is a
// page of metrics that the server must write: more often, and it would be seen
// in what is measured.
const askEvery = 500 * time.Millisecond

// waiting samples, in all windows of a leaf, the number of requests that wait
// in a server, and of those that it computes together.
type waiting struct {
	end     context.CancelFunc
	ended   sync.WaitGroup
	sum     float64
	samples int
	most    float64 // computed together; 0 when the server does not tell
}

// start asks until stop, or until the server says that it does not tell.
func (w *waiting) start(ctx context.Context, from telemetry.Source) {
	ctx, w.end = context.WithCancel(ctx)
	w.ended.Go(func() {
		every(ctx, askEvery, func() bool {
			now, err := from.Gauges(ctx)
			if err != nil {
				return false
			}
			w.sum += now.Waiting
			w.samples++
			w.most = max(w.most, now.Running)
			return true
		})
	})
}

// stop ends the sampling and gives the mean of all windows; nil when the server
// told nothing.
func (w *waiting) stop() *float64 {
	w.end()
	w.ended.Wait()
	if w.samples == 0 {
		return nil
	}
	mean := w.sum / float64(w.samples)
	return &mean
}
