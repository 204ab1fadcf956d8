package task

import (
	"math/rand/v2"
	"slices"

	"stackbench/internal/suite"
	"stackbench/internal/workload"
)

const (
	requestBytes = 128 << 20 // of requests that are built ahead
	mostAhead    = 256
	side         = 224 // pixels of an image tensor
	ownSizes     = 0x5123
)

// batch is what one request carries: items, and the content of each.
type batch struct {
	Items    []Item
	contents []content
}

// drawn are inputs of which no two are alike: each is made by its number.
type drawn struct {
	size func(n int) int // items of request n
	most int
	from source
	salt uint64
}

// drawItems are inputs of a case with a salt.
func drawItems(s *Supply, c suite.Case, m Served, salt uint64) (inputs, error) {
	f, err := formOf(c.Input)
	if err != nil {
		return nil, err
	}
	d := drawn{most: c.Batch, size: func(int) int { return c.Batch }, salt: salt}
	if c.Batch == suite.Mixed {
		sizes := s.Group.Sizes
		d.most = slices.Max(sizes)
		d.size = func(n int) int { return sizes[rand.New(rand.NewPCG(salt^ownSizes, uint64(n))).IntN(len(sizes))] }
	}
	if d.from, err = f.source(s, m); err != nil {
		return nil, err
	}
	return d, nil
}

// first is the number of a request's first item: windows of requests are
// windows of items.
func (d drawn) first(n int) int {
	return n>>WindowBits*workload.Span + inWindow(n)*d.most
}

func (d drawn) Items(n int) []Item {
	out := make([]Item, d.size(n))
	for k := range out {
		out[k] = d.from.Item(d.first(n) + k)
	}
	return out
}

func (d drawn) Batch(n int) (batch, error) {
	b := batch{Items: d.Items(n)}
	for k := range b.Items {
		c, err := d.from.Make(d.salt, d.first(n)+k)
		if err != nil {
			return batch{}, err
		}
		b.contents = append(b.contents, c)
	}
	return b, nil
}

// oneEach is a request for each input.
func oneEach[T any](list []T, err error, split func(T) (Item, content)) (Fixed, error) {
	if err != nil {
		return nil, err
	}
	var out Fixed
	for _, one := range list {
		it, c := split(one)
		out = append(out, batch{[]Item{it}, []content{c}})
	}
	return out, nil
}

// Only is a batch of item k alone.
func (b batch) Only(k int) batch {
	return batch{b.Items[k : k+1], b.contents[k : k+1]}
}

// lengthy is content that says how long an answer may be.
type lengthy interface{ brief() content }

// Brief asks for short answers, where their length is asked for.
func (b batch) Brief() batch {
	b.contents = slices.Clone(b.contents)
	for i, c := range b.contents {
		if l, ok := c.(lengthy); ok {
			b.contents[i] = l.brief()
		}
	}
	return b
}
