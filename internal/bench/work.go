package bench

import (
	"fmt"
	"slices"

	"stackbench/internal/load"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/tokenizer"
	"stackbench/internal/workload"
)

// served is what a case must know of a prepared model.
type served struct {
	stack.Model
	Source    string // hub, package or seeded
	SHA256    string
	Norm      workload.Normalisation // of image models
	Tokenizer *tokenizer.Tokenizer   // of text models
	Width     int                    // values of one answer: classes, or the embedding's length
}

// work is what one case sends: requests built before they are due, the items
// in each, and how to read an answer.
type work struct {
	target load.Target
	close  func() error
	items  [][]item // by request
	decode func(a record.Answer, items int) (answers, error)

	bounded bounded
}

// item is one image, text or prompt of a request.
type item struct {
	id     string
	golden bool // there is a golden answer
	asked  int  // of generated text: tokens
	exact  bool // and exactly so many
}

// known is the number of a request whose answer is known; 0 when none is.
func (w *work) known() int {
	return max(0, slices.IndexFunc(w.items, func(items []item) bool { return items[0].golden }))
}

// count is how many items a request carries, by its number in the plan.
func (w *work) count(seq int) int { return len(w.items[seq%len(w.items)]) }

// prepareOne builds what it takes to ask a server once, which is done over and
// over until it is up.
func (e *environment) prepareOne(c Case, how stack.Capability, m served, at stack.Endpoint) (*work, error) {
	if how.Task == stack.TextGeneration {
		return e.prepareTexts(c, how, m, at, fewPrompts)
	}
	return e.prepareWork(c, how, m, at)
}

// prepareWork builds the requests of a case for a stack at an endpoint.
func (e *environment) prepareWork(c Case, how stack.Capability, m served, at stack.Endpoint) (*work, error) {
	if how.Task == stack.TextGeneration {
		return e.prepareTexts(c, how, m, at, mostPrompts)
	}
	batches, err := e.group.draw(c, m, e.options.salt())
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	return assemble(batches, how, m, at)
}
