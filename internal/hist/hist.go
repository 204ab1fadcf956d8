// Package hist keeps the times of measured windows as HdrHistogram does: in its
// log format, for its own tools to read, and as distributions that can be added
// up over trials. It is beside the raw times, never instead of them: published
// percentiles are ranked in raw samples, since a histogram has no +∞ for what
// failed, rounds to three digits and ranks otherwise.
package hist

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The tags of a log. Response times count from when a request was due, service
// times from when it was sent; in a closed loop they are the same.
const (
	Response = "response"
	Service  = "service"
)

// What a histogram can tell: nanoseconds, as HdrHistogram's tools expect them,
// up to an hour, to three significant digits and no finer than half a microsecond.
const (
	lowest  = int64(time.Microsecond)
	highest = int64(time.Hour)
	digits  = 3
)

// Distribution is times that were counted.
type Distribution struct{ h *hdrhistogram.Histogram }

// New is an empty one.
func New() *Distribution { return &Distribution{hdrhistogram.New(lowest, highest, digits)} }

// Record counts one time. One out of range counts as the end of the range.
func (d *Distribution) Record(t time.Duration) {
	_ = d.h.RecordValue(min(max(int64(t), 0), highest)) // inside the range it cannot fail
}

// Add counts all of another's times.
func (d *Distribution) Add(other *Distribution) { d.h.Merge(other.h) }

// Count is how many times there are.
func (d *Distribution) Count() int64 { return d.h.TotalCount() }

// Reset forgets all times.
func (d *Distribution) Reset() { d.h.Reset() }

// Rank is the time that so many of the times do not exceed, rounded up to the
// histogram's digits; 0 when there are none. Ranks begin at 1.
func (d *Distribution) Rank(rank int64) time.Duration {
	n := d.h.TotalCount()
	if n == 0 {
		return 0
	}
	// The library turns a percentile into a rank by rounding, which gives this
	// very rank back as long as a float holds it.
	return time.Duration(d.h.ValueAtPercentile(100 * float64(min(max(rank, 1), n)) / float64(n)))
}

// HdrPercentile is a percentile as HdrHistogram itself ranks it.
func (d *Distribution) HdrPercentile(percent float64) time.Duration {
	return time.Duration(d.h.ValueAtPercentile(percent))
}
