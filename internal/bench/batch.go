package bench

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/wire/oip"
	"stackbench/internal/wire/torchserve"
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
	items   []item
	input   stack.Input
	files   [][]byte  // JPEG
	texts   []string  // Text
	ids     [][]int64 // IDs, a row a text
	numbers []float32 // Tensor: the items' values one after the other
	prompt  workload.Prompt
}

// drawn are inputs of which no two are alike: each is made by its number.
type drawn struct {
	form stack.Input
	size func(n int) int // items of request n
	most int
	item func(i int) item
	add  func(b *batch, i int) error
}

// draw says what the requests of a case carry. The same trial has the same on
// every stack; no two cases or trials have an input in common, but for the
// committed ones.
func (e *environment) draw(c Case, how stack.Capability, m served) (inputs, error) {
	salt := e.options.salted(c)
	if how.Task == stack.TextGeneration {
		return prompts(c.Lengths, c.Share, how, salt)
	}
	if c.Input == stack.JPEG && e.album == nil {
		var err error
		if e.album, err = workload.NewAlbum(stackbench.Testdata()); err != nil {
			return nil, err
		}
	}
	return e.group.draw(c, m, e.album, salt)
}

// salted is the salt of a case.
func (o Options) salted(c Case) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, o.Record.Seed, o.Record.Trial, c) // a hash takes everything
	return h.Sum64()
}

// draw is that of an environment with a salt. The album is needed for images.
func (g Group) draw(c Case, m served, album *workload.Album, salt uint64) (inputs, error) {
	d := drawn{form: c.Input, most: c.Batch, size: func(int) int { return c.Batch }}
	if c.Batch == Mixed {
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
func named(id func(i int) (string, bool)) func(i int) item {
	return func(i int) item {
		name, golden := id(i)
		return item{id: name, golden: golden}
	}
}

// first is the number of a request's first item: windows of requests are
// windows of items.
func (d drawn) first(n int) int {
	return n>>windowBits*workload.Span + inWindow(n)*d.most
}

func (d drawn) items(n int) []item {
	out := make([]item, d.size(n))
	for k := range out {
		out[k] = d.item(d.first(n) + k)
	}
	return out
}

func (d drawn) batch(n int) (batch, error) {
	b := batch{input: d.form}
	for k := range d.size(n) {
		if err := d.add(&b, d.first(n)+k); err != nil {
			return batch{}, err
		}
	}
	return b, nil
}

// mean is how many items a request of a case carries, on average.
func (g Group) mean(c Case) float64 {
	if c.Batch != Mixed {
		return float64(c.Batch)
	}
	sum := 0
	for _, n := range g.Sizes {
		sum += n
	}
	return float64(sum) / float64(len(g.Sizes))
}

func (b *batch) image(i workload.Image) error {
	b.items, b.files = append(b.items, item{id: i.ID, golden: i.Golden}), append(b.files, i.JPEG)
	return nil
}

func (b *batch) tensor(t workload.Tensor) error {
	b.items, b.numbers = append(b.items, item{id: t.ID, golden: t.Golden}), append(b.numbers, t.Data...)
	return nil
}

func (b *batch) text(t workload.Text) error {
	b.items, b.texts = append(b.items, item{id: t.ID, golden: t.Golden}), append(b.texts, t.Text)
	return nil
}

// tokenise does the server's work beforehand.
func (m served) tokenise(b *batch, t workload.Text) error {
	if m.Tokenizer == nil {
		return fmt.Errorf("%s has no tokenizer", m.Name)
	}
	ids, err := m.Tokenizer.Encode(t.Text)
	b.items, b.ids = append(b.items, item{id: t.ID, golden: t.Golden}), append(b.ids, ids)
	return err
}

// oneEach is a batch for each input.
func oneEach[T any](input stack.Input, list []T, err error, add func(*batch, T) error) (fixed, error) {
	if err != nil {
		return nil, err
	}
	var out fixed
	for _, one := range list {
		b := batch{input: input}
		if err := add(&b, one); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// oip is the batch as an Open Inference Protocol request. A server names the
// bare model by its name, and the one with its preprocessing by a suffix.
func (b batch) oip(m served) oip.Request {
	n := int64(len(b.items))
	switch b.input {
	case stack.JPEG:
		return oip.Request{Model: m.Name + "_jpeg", Inputs: []oip.Tensor{oip.NewBYTES("IMAGE", []int64{n, 1}, b.files)}}
	case stack.Text:
		texts := make([][]byte, len(b.texts))
		for i, t := range b.texts {
			texts[i] = []byte(t)
		}
		return oip.Request{Model: m.Name + "_text", Inputs: []oip.Tensor{oip.NewBYTES("TEXT", []int64{n, 1}, texts)}}
	case stack.IDs:
		return oip.Request{Model: m.Name, Inputs: b.padded(m.Model)}
	default:
		return oip.Request{Model: m.Name, Inputs: []oip.Tensor{oip.NewFP32("pixel_values", []int64{n, 3, side, side}, b.numbers)}}
	}
}

// torchServe is the batch as TorchServe's handler takes it: one file, or one
// tensor of all items.
func (b batch) torchServe() torchserve.Input {
	if b.input == stack.JPEG {
		return torchserve.Input{JPEG: b.files[0]}
	}
	return torchserve.Input{Tensor: b.numbers}
}

// padded are the model's inputs, [texts, longest]: the ids, filled up with the
// model's padding; the mask, which is 1 where there is a token; and whatever
// else it has, which is 0 for a single sequence.
func (b batch) padded(m stack.Model) []oip.Tensor {
	longest := 0
	for _, row := range b.ids {
		longest = max(longest, len(row))
	}
	shape := []int64{int64(len(b.ids)), int64(longest)}
	var out []oip.Tensor
	g, _ := m.Graph(stack.Whole, stack.FP32)
	for _, in := range g.Inputs {
		values := make([]int64, 0, len(b.ids)*longest)
		for _, row := range b.ids {
			for at := range longest {
				v := int64(0)
				switch {
				case in.Name == "input_ids" && at < len(row):
					v = row[at]
				case in.Name == "input_ids":
					v = m.Text.PadID
				case in.Name == "attention_mask" && at < len(row):
					v = 1
				}
				values = append(values, v)
			}
		}
		out = append(out, oip.NewINT64(in.Name, shape, values))
	}
	return out
}
