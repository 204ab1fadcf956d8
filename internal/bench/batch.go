package bench

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/wire/oip"
	"stackbench/internal/wire/torchserve"
	"stackbench/internal/workload"
)

const (
	requestBytes = 128 << 20 // of prebuilt requests; beyond it they repeat within a trial
	mostRequests = 256
	tokens       = 64  // bucket of the texts, where the group states none
	side         = 224 // pixels of an image tensor
)

// batch is what one request carries: files, texts, token ids or a tensor.
type batch struct {
	items   []item
	input   stack.Input
	files   [][]byte  // JPEG
	texts   []string  // Text
	ids     [][]int64 // IDs, a row a text
	numbers []float32 // Tensor: the items' values one after the other
}

// draw makes the batches of a case, salted.
func (g Group) draw(c Case, m served, salt uint64) ([]batch, error) {
	sizes := g.sizes(c, salt)
	items := 0
	for _, n := range sizes {
		items += n
	}
	form := filler{c.Input, sizes}
	switch c.Input {
	case stack.JPEG:
		list, err := workload.Images(stackbench.Testdata(), salt, items)
		return collect(form, list, err, (*batch).image)
	case stack.Tensor:
		list, err := workload.Tensors(stackbench.Testdata(), m.Norm, salt, items)
		return collect(form, list, err, (*batch).tensor)
	case stack.Text:
		list, err := workload.Texts(stackbench.Testdata(), cmp.Or(g.Tokens, tokens), salt, items)
		return collect(form, list, err, (*batch).text)
	case stack.IDs:
		list, err := workload.Texts(stackbench.Testdata(), cmp.Or(g.Tokens, tokens), salt, items)
		return collect(form, list, err, m.tokenise)
	}
	return nil, fmt.Errorf("no inputs of the form %q", c.Input)
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

// sizes says how many items each request of a case carries.
func (g Group) sizes(c Case, salt uint64) []int {
	mean := int(math.Ceil(g.mean(c)))
	requests := mostRequests
	switch c.Input {
	case stack.Tensor:
		requests = max(2, min(mostRequests, requestBytes/(mean*3*side*side*4)))
	case stack.JPEG:
		requests = max(8, mostRequests/mean)
	}
	out := make([]int, requests)
	rng := rand.New(rand.NewPCG(salt, 0x5123))
	for i := range out {
		out[i] = c.Batch
		if c.Batch == Mixed {
			out[i] = g.Sizes[rng.IntN(len(g.Sizes))]
		}
	}
	return out
}

func (b *batch) image(i workload.Image) error {
	b.items, b.files = append(b.items, item{id: i.ID, golden: i.Golden}), append(b.files, i.JPEG)
	return nil
}

func (b *batch) tensor(t workload.Tensor) error {
	b.items, b.numbers = append(b.items, item{id: t.ID, golden: true}), append(b.numbers, t.Data...)
	return nil
}

func (b *batch) text(t workload.Text) error {
	b.items, b.texts = append(b.items, item{id: t.ID, golden: true}), append(b.texts, t.Text)
	return nil
}

// tokenise does the server's work beforehand.
func (m served) tokenise(b *batch, t workload.Text) error {
	if m.Tokenizer == nil {
		return fmt.Errorf("%s has no tokenizer", m.Name)
	}
	ids, err := m.Tokenizer.Encode(t.Text)
	b.items, b.ids = append(b.items, item{id: t.ID, golden: true}), append(b.ids, ids)
	return err
}

// filler says what batches are filled with: one of each size, in turn.
type filler struct {
	input stack.Input
	sizes []int
}

// oneEach is a batch for each of n inputs.
func oneEach(input stack.Input, n int) filler { return filler{input, slices.Repeat([]int{1}, n)} }

// collect fills the batches with the inputs in their order.
func collect[T any](f filler, list []T, err error, add func(*batch, T) error) ([]batch, error) {
	if err != nil {
		return nil, err
	}
	var out []batch
	for _, n := range f.sizes {
		b := batch{input: f.input}
		for _, one := range list[:n] {
			if err := add(&b, one); err != nil {
				return nil, err
			}
		}
		out, list = append(out, b), list[n:]
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
	for _, in := range m.Inputs {
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
