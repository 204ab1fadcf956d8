package meter

import (
	"fmt"
	"slices"
	"time"

	"stackbench/internal/unit"
)

// A queue of a stationary open loop comes and goes, over hundreds of requests
// when the server is busy, so parts of a window differ by far more than their
// own scatter says. What a queue that grows never does is come back: then even
// the fastest of the last third were slower than the slower ones of the first.
const (
	queueTells  = 1200 // requests in which that is told from a queue that comes and goes
	queueHints  = 300  // and in which at least one that grows fast is
	leastQueued = 30
)

// QueueNeeds is how many requests an open loop should have in which requests wait.
const QueueNeeds = 1500

// queue judges the response times of an open loop.
func queue(took []time.Duration) Steadiness {
	n := len(took)
	if n < leastQueued {
		return Steadiness{TooShort, fmt.Sprintf("fewer than %d good answers", leastQueued)}
	}
	third := func(i int) []time.Duration { return slices.Sorted(slices.Values(took[i*n/3 : (i+1)*n/3])) }
	first, middle, last := third(0), third(1), third(2)
	if float64(at(last, 2)) <= change*float64(at(first, 25)) {
		return Steadiness{Verdict: IsSteady}
	}
	never := fmt.Sprintf("the queue grows: 98 %% of the last third took longer than %s, and a quarter of the first third less than %s",
		inMilliseconds(at(last, 2)), inMilliseconds(at(first, 25)))
	surely := float64(at(last, 10)) > change*float64(at(first, 90)) && at(middle, 10) > at(first, 50)
	if n >= queueTells || n >= queueHints && surely {
		return Steadiness{NotSteady, never}
	}
	return Steadiness{TooShort, fmt.Sprintf("the queue may be growing, and %d requests are too few to tell", n)}
}

// at is the nearest rank of sorted times.
func at(sorted []time.Duration, per int) time.Duration {
	d, _ := unit.Nearest(sorted, 0, per)
	return d
}
