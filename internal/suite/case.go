package suite

import (
	"fmt"
	"time"

	"stackbench/internal/axis"
	"stackbench/internal/stack"
)

// Case is one leaf of a group, but for the stack.
type Case struct {
	Task    stack.Task
	Model   string
	Proto   stack.Proto
	Input   stack.Input
	Lengths Lengths // of prompts and answers, where text is generated
	Share   bool    // prompts begin alike, and the server may know that
	Batch   int     // items a request, or Mixed
	Batcher Batcher
	Load    Load
	From    Profile // the smallest profile that measures it
}

// Mixed is the Batch of requests that differ in size, as the group's Sizes say.
const Mixed = -1

// Batcher is how the stack's own dynamic batcher is set. The zero value leaves
// it off, and out of the name: batching is then no part of the question.
type Batcher struct {
	asked bool
	stack.Batching
}

// BatcherOff asks for each request to be executed alone.
func BatcherOff() Batcher { return Batcher{asked: true} }

// BatcherOn asks for executions of at most that many items, for which the first
// request waits at most delay.
func BatcherOn(most int, delay time.Duration) Batcher {
	return Batcher{asked: true, Batching: stack.Batching{Max: most, Delay: delay}}
}

// Of is how that is told to a stack: off is one sequence at a time to those
// whose batcher is a part of how they compute.
func (b Batcher) Of(s stack.Stack) stack.Batching {
	if b == BatcherOff() && s.Batcher == stack.Continuous {
		return stack.Batching{Max: 1}
	}
	return b.Batching
}

// String is the value of the name's batcher key: off, 16x5ms.
func (b Batcher) String() string {
	switch {
	case !b.asked:
		return ""
	case b.Max == 0:
		return axis.Off
	}
	return fmt.Sprintf("%dx%s", b.Max, b.delay())
}

// delay is the delay as a name can hold it.
func (b Batcher) delay() string {
	if b.Delay%time.Millisecond == 0 {
		return fmt.Sprintf("%dms", b.Delay.Milliseconds())
	}
	return fmt.Sprintf("%dus", b.Delay.Microseconds())
}

// LoadKind is how requests arrive; the value of the name's load key.
type LoadKind string

const (
	ClosedLoad LoadKind = axis.Closed // users, each one request after the other
	OpenLoad   LoadKind = axis.Open   // requests a second, at random times (Poisson)
	KneeLoad   LoadKind = axis.Knee   // open, at the highest rate whose p99 is within Limit: it is searched for
	UsersLoad  LoadKind = axis.Users  // closed, of as many users as the group's limits hold for: it is searched for
)

// Load is a kind of load, and how much of it where that is given.
type Load struct {
	Kind  LoadKind
	N     int           // users, or requests a second
	Limit time.Duration // that is to hold at a load which is searched for, where the group has none for it
}

// Closed is a closed loop of that many users.
func Closed(conc int) Load { return Load{Kind: ClosedLoad, N: conc} }

// Open is an open loop of that many requests a second, Poisson arrivals.
func Open(rate int) Load { return Load{Kind: OpenLoad, N: rate} }

// Knee seeks the highest rate of an open loop whose p99 stays within limit.
func Knee(limit time.Duration) Load { return Load{Kind: KneeLoad, Limit: limit} }

// Users seeks the most users of a closed loop for whom the group's limits hold.
func Users() Load { return Load{Kind: UsersLoad} }

// Conc is how many users a closed loop has; 0 of another load.
func (l Load) Conc() int { return l.of(ClosedLoad) }

// Rate is how many requests a second an open loop has; 0 of another load.
func (l Load) Rate() int { return l.of(OpenLoad) }

// Sought says whether the load is searched for.
func (l Load) Sought() bool { return l.Kind != "" && l.N == 0 }

func (l Load) of(kind LoadKind) int {
	if l.Kind != kind {
		return 0
	}
	return l.N
}

// Lengths says how long prompts and answers are, in tokens: 128x128 for all, or
// chat. The values are those of package workload.
type Lengths string

// Chat is a mix of lengths as conversations have it.
const Chat Lengths = "chat"

// Even is prompts and answers of one length each.
func Even(prompt, answer int) Lengths { return Lengths(fmt.Sprintf("%dx%d", prompt, answer)) }
