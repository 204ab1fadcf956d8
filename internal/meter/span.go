package meter

import (
	"slices"
	"time"

	"stackbench/internal/record"
)

// span is the time that the window's requests were issued over: what good
// answers are divided by.
//
// In an open loop the schedule issues for the whole window, so it is the
// window's length; from the first issue to the last would be one gap short,
// and would hide a stall at either edge.
//
// In a closed loop a user issues its next request when the last one ended.
// The issues of a user thus cover the time from its first one to the end of
// its last request, when the next one was due; the span is the mean of that
// over the users. Dividing by the window's length instead would count a
// request that began just before the closing as if it had ended there: two
// requests of 2 s in a window of 3 s are 0.5 a second, not 0.67. Neither the
// rest of the warm-up's requests nor users who idle in the drain count.
func span(w Window) time.Duration {
	if w.Open {
		return w.Length
	}
	var begins, ends []time.Duration
	for _, r := range w.Records {
		if r.Outcome != record.Dropped {
			begins = append(begins, r.Sent)
			ends = append(ends, end(r, w.Length))
		}
	}
	if len(begins) == 0 {
		return w.Length
	}
	return occupied(begins, ends, w.Conns)
}

// occupied is the mean time from a user's first issue to the end of its last
// request. The records do not name their users, so they are reconstructed: a
// request belongs to the user who has been free for longest when it is sent,
// or to one not seen yet. Were it another free one's, the sums of first issues
// and of last ends would be the same.
func occupied(begins, ends []time.Duration, conns int) time.Duration {
	slices.Sort(begins)
	slices.Sort(ends)
	var sum time.Duration
	users, free := 0, 0 // ends[:free] have been followed by a request
	for i, begin := range begins {
		sum += ends[i] - begin
		switch {
		case ends[free] <= begin:
			sum += begin - ends[free] // the user's pause
			free++
		case users < conns || conns == 0:
			users++
		default: // all users are known: this one's end was stamped a moment late
			free++
		}
	}
	return sum / time.Duration(max(users, 1))
}

// end is when the request's user could issue again. A failure's wait ends
// with the window: how long a time limit runs on after it is the client's own
// setting, not the stack's work.
func end(r record.Record, length time.Duration) time.Duration {
	done := max(r.Done, r.Sent)
	if r.Outcome != record.Good && done > length {
		return max(length, r.Sent)
	}
	return done
}
