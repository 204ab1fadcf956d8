package bench

import (
	"fmt"
	"time"

	"stackbench/internal/model"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/unit"
	"stackbench/internal/workload"
)

// Case is one leaf of a group, but for the stack.
type Case struct {
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
const Mixed = results.Mixed

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

// of is how that is told to a stack: off is one sequence at a time to those
// whose batcher is a part of how they compute.
func (b Batcher) of(s stack.Stack) stack.Batching {
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
		return "off"
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

// Load is how requests arrive: Conc users one after the other, or Rate requests
// a second at random times (Poisson), or at the highest rate whose p99 is
// within Limit, which is searched for; or as many users as the group's limits
// hold for, which is searched for, too. Exactly one is set.
type Load struct {
	Conc  int
	Rate  int
	Limit time.Duration
	Users bool
}

// Closed is a closed loop of that many users.
func Closed(conc int) Load { return Load{Conc: conc} }

// Open is an open loop of that many requests a second, Poisson arrivals.
func Open(rate int) Load { return Load{Rate: rate} }

// Knee seeks the highest rate of an open loop whose p99 stays within limit.
func Knee(limit time.Duration) Load { return Load{Limit: limit} }

// Users seeks the most users of a closed loop for whom the group's limits hold.
func Users() Load { return Load{Users: true} }

// Lengths says how long prompts and answers are, in tokens.
type Lengths = workload.Lengths

// Chat is a mix of lengths as conversations have it.
const Chat = workload.Chat

// Even is prompts and answers of one length each.
func Even(prompt, answer int) Lengths { return workload.Even(prompt, answer) }

// task is the work that the case's model does.
func (c Case) task() stack.Task {
	spec, err := model.Spec(c.Model)
	if err != nil {
		return "" // no stack serves it, and preparing the model says why
	}
	return spec.Task
}

// unit is that of the items that are answered in a second.
func (c Case) unit() unit.Name {
	switch c.task() {
	case stack.Embeddings:
		return unit.EmbPerS
	case stack.TextGeneration:
		return "" // tokens are counted, not items
	}
	return unit.ImgPerS
}
