package task

import (
	"fmt"
	"slices"

	"stackbench/internal/stack"
)

// form is one form of inputs: how they are made, and which lie in testdata. A new
// form is a file and a line in the table of forms.
type form interface {
	// source makes inputs of a group for a model, as many as are asked for.
	source(s *Supply, m Served) (source, error)
	// committed are the inputs with golden answers, a request each; none where the
	// form has none of its own.
	committed(m Served) (Fixed, error)
}

// source makes inputs of which no two are alike, each by its number.
type source interface {
	Item(i int) Item // of input i, without making it
	Make(salt uint64, i int) (content, error)
}

// formRow is a line of the table of forms.
type formRow struct {
	input stack.Input
	form  form
}

// forms is the table, in the order in which a stack that stands in for right
// answers is asked.
func forms() []formRow {
	return []formRow{
		{stack.JPEG, jpegForm{}},
		{stack.Tensor, tensorForm{}},
		{stack.Text, textForm{}},
		{stack.IDs, idForm{}},
	}
}

// formOf finds an input's form.
func formOf(in stack.Input) (form, error) {
	all := forms()
	i := slices.IndexFunc(all, func(r formRow) bool { return r.input == in })
	if i < 0 {
		return nil, fmt.Errorf("no inputs of the form %q", in)
	}
	return all[i].form, nil
}

// content is what a request carries of one item, in one form.
type content interface{ form() stack.Input }

// raw is content that is sent as it is: a file's bytes, a text, values.
type raw[V any] struct {
	input stack.Input
	value V
}

func (p raw[V]) form() stack.Input { return p.input }

// carried are the contents of a request, an item each; of another kind than the
// codec sends, nothing.
func carried[V any](b batch) []V {
	out := make([]V, len(b.contents))
	for i, c := range b.contents {
		p, _ := c.(raw[V])
		out[i] = p.value
	}
	return out
}

// named is an item that is named by its number or its name in testdata.
func named(id string, golden bool) Item { return Item{id: id, Golden: golden} }
