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

// Lengths says how long prompts and answers are, in tokens: 128x128 for all, or
// chat. The values are those of package workload.
type Lengths string

// Chat is a mix of lengths as conversations have it.
const Chat Lengths = "chat"

// Even is prompts and answers of one length each.
func Even(prompt, answer int) Lengths { return Lengths(fmt.Sprintf("%dx%d", prompt, answer)) }
