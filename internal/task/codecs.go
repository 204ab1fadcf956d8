package task

import (
	"fmt"
	"slices"

	"stackbench/internal/record"
	"stackbench/internal/stack"
)

// way is what a codec is found by: a contract that carries a task's input over a
// transport.
type way struct {
	contract stack.Contract
	task     stack.Task
	proto    stack.Proto
	input    stack.Input
}

// codec turns the requests of a work into those of a contract, and its answers
// back. A new contract is a package of wire and its rows.
type codec struct {
	way
	open   opener
	decode decoder
	exact  bool // of generated text: a length can be asked for, and no answer is shorter
	best   bool // it answers with the best few classes, and not with all values
}

// opener makes the target of a work at an endpoint.
type opener func(w *Work, m Served, at stack.Endpoint) error

// decoder reads the answer to a request of so many items, each of which has
// width values.
type decoder func(a record.Answer, items, width int) (Answers, error)

// codecs are all that is spoken: a row each.
func codecs() []codec {
	return slices.Concat(
		oipCodecs(),
		vectorCodecs(),
		textCodecs(),
	)
}

// codecOf finds the codec of a capability.
func codecOf(how stack.Capability) (codec, error) {
	want := way{how.Contract, how.Task, how.Proto, how.Input}
	all := codecs()
	i := slices.IndexFunc(all, func(c codec) bool { return c.way == want })
	if i < 0 {
		return codec{}, fmt.Errorf("no codec of the contract %q for %q by %q over %q\ndeclare a capability that the table of codecs has, or add a row to it",
			want.contract, want.task, want.input, want.proto)
	}
	return all[i], nil
}

// HasCodec says whether a capability can be measured: whether anything builds
// its requests and reads its answers.
func HasCodec(how stack.Capability) bool {
	_, err := codecOf(how)
	return err == nil
}

// answersWhole says whether a capability's answers have all values.
func answersWhole(how stack.Capability) bool {
	c, err := codecOf(how)
	return err == nil && !c.best
}

// Assemble turns inputs into the requests of a stack at an endpoint. A way that no codec
// speaks is an error.
func Assemble(in inputs, how stack.Capability, m Served, at stack.Endpoint) (*Work, error) {
	c, err := codecOf(how)
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	w := &Work{In: in, Close: func() error { return nil }}
	w.Decode = func(a record.Answer, items int) (Answers, error) { return c.decode(a, items, m.Width) }
	if err := c.open(w, m, at); err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	if w.bounded != nil { // else it is text, and bounded already
		w.bounded.Bound(answerBytes(in, m))
	}
	end := w.Close
	w.Close = func() error {
		w.ahead.stop()
		return end()
	}
	return w, nil
}
