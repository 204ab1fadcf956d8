package task

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/workload"
)

const (
	requestBytes = 128 << 20 // of requests that are built ahead
	mostAhead    = 256
	tokens       = 64  // bucket of the texts, where the group states none
	side         = 224 // pixels of an image tensor
	ownSizes     = 0x5123
)

// batch is what one request carries: files, texts, token ids, a tensor or a prompt.
type batch struct {
	Items   []Item
	input   stack.Input
	files   [][]byte  // JPEG
	texts   []string  // Text
	ids     [][]int64 // IDs, a row a text
	numbers []float32 // Tensor: the items' values one after the other
	Prompt  workload.Prompt
}

// drawn are inputs of which no two are alike: each is made by its number.
type drawn struct {
	form stack.Input
	size func(n int) int // items of request n
	most int
	item func(i int) Item
	add  func(b *batch, i int) error
}

// drawItems are inputs of a case with a salt. The album is needed for images.
func drawItems(g suite.Group, c suite.Case, m Served, album *workload.Album, salt uint64) (inputs, error) {
	d := drawn{form: c.Input, most: c.Batch, size: func(int) int { return c.Batch }}
	if c.Batch == suite.Mixed {
		d.most = slices.Max(g.Sizes)
		d.size = func(n int) int { return g.Sizes[rand.New(rand.NewPCG(salt^ownSizes, uint64(n))).IntN(len(g.Sizes))] }
	}
	switch c.Input {
	case stack.JPEG:
		d.item = named(album.ID)
		d.add = func(b *batch, i int) error { return b.image(album.Image(salt, i)) }
	case stack.Tensor:
		list, err := workload.NewTensors(stackbench.Testdata(), m.Norm)
		if err != nil {
			return nil, err
		}
		d.item = named(list.ID)
		d.add = func(b *batch, i int) error { return b.tensor(list.Tensor(salt, i)) }
	case stack.Text, stack.IDs:
		list, err := workload.NewTexts(stackbench.Testdata(), cmp.Or(g.Tokens, tokens))
		if err != nil {
			return nil, err
		}
		d.item = named(list.ID)
		d.add = func(b *batch, i int) error { return b.text(list.Text(salt, i)) }
		if c.Input == stack.IDs {
			d.add = func(b *batch, i int) error { return m.tokenise(b, list.Text(salt, i)) }
		}
	default:
		return nil, fmt.Errorf("no inputs of the form %q", c.Input)
	}
	return d, nil
}

// named are items that are named by their number.
func named(id func(i int) (string, bool)) func(i int) Item {
	return func(i int) Item {
		name, golden := id(i)
		return Item{id: name, Golden: golden}
	}
}

// first is the number of a request's first item: windows of requests are
// windows of items.
func (d drawn) first(n int) int {
	return n>>WindowBits*workload.Span + inWindow(n)*d.most
}

func (d drawn) Items(n int) []Item {
	out := make([]Item, d.size(n))
	for k := range out {
		out[k] = d.item(d.first(n) + k)
	}
	return out
}

func (d drawn) Batch(n int) (batch, error) {
	b := batch{input: d.form}
	for k := range d.size(n) {
		if err := d.add(&b, d.first(n)+k); err != nil {
			return batch{}, err
		}
	}
	return b, nil
}

func (b *batch) image(i workload.Image) error {
	b.Items, b.files = append(b.Items, Item{id: i.ID, Golden: i.Golden}), append(b.files, i.JPEG)
	return nil
}

func (b *batch) tensor(t workload.Tensor) error {
	b.Items, b.numbers = append(b.Items, Item{id: t.ID, Golden: t.Golden}), append(b.numbers, t.Data...)
	return nil
}

func (b *batch) text(t workload.Text) error {
	b.Items, b.texts = append(b.Items, Item{id: t.ID, Golden: t.Golden}), append(b.texts, t.Text)
	return nil
}

// tokenise does the server's work beforehand.
func (m Served) tokenise(b *batch, t workload.Text) error {
	if m.Tokenizer == nil {
		return fmt.Errorf("%s has no tokenizer", m.Name)
	}
	ids, err := m.Tokenizer.Encode(t.Text)
	b.Items, b.ids = append(b.Items, Item{id: t.ID, Golden: t.Golden}), append(b.ids, ids)
	return err
}

// oneEach is a batch for each input.
func oneEach[T any](input stack.Input, list []T, err error, add func(*batch, T) error) (Fixed, error) {
	if err != nil {
		return nil, err
	}
	var out Fixed
	for _, one := range list {
		b := batch{input: input}
		if err := add(&b, one); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Only is a batch of item k alone.
func (b batch) Only(k int) batch {
	b.Items = b.Items[k : k+1]
	switch b.input {
	case stack.JPEG:
		b.files = b.files[k : k+1]
	case stack.IDs:
		b.ids = b.ids[k : k+1]
	case stack.Tensor:
		b.numbers = b.numbers[k*3*side*side : (k+1)*3*side*side]
	case stack.Text:
		if b.texts != nil {
			b.texts = b.texts[k : k+1]
		}
	}
	return b
}
