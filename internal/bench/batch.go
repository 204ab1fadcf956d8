package bench

import (
	"fmt"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/predict"
	"stackbench/internal/workload"
)

const (
	requestBytes = 128 << 20 // of prebuilt requests; beyond it they repeat within a trial
	mostRequests = 256
	tokens       = 64  // bucket of the texts to embed
	side         = 224 // pixels of an image tensor
)

// batch is what one request carries: files, texts or a tensor.
type batch struct {
	items   []item
	input   stack.Input
	files   [][]byte  // JPEG
	texts   []string  // Text
	numbers []float32 // Tensor: the items' values one after the other
}

// draw makes the batches of a case, salted.
func draw(c Case, m served, salt uint64) ([]batch, error) {
	requests := mostRequests
	if c.Input == stack.Tensor {
		requests = max(2, min(mostRequests, requestBytes/(c.Batch*3*side*side*4)))
	}
	if c.Input == stack.JPEG {
		requests = max(8, mostRequests/c.Batch)
	}
	items := requests * c.Batch
	switch c.Input {
	case stack.JPEG:
		list, err := workload.Images(stackbench.Testdata(), salt, items)
		return collect(c, list, err, (*batch).image)
	case stack.Tensor:
		list, err := workload.Tensors(stackbench.Testdata(), m.Norm, salt, items)
		return collect(c, list, err, (*batch).tensor)
	case stack.Text:
		list, err := workload.Texts(stackbench.Testdata(), tokens, salt, items)
		return collect(c, list, err, (*batch).text)
	}
	return nil, fmt.Errorf("no inputs of the form %q", c.Input)
}

func (b *batch) image(i workload.Image) {
	b.items, b.files = append(b.items, item{i.ID, i.Golden}), append(b.files, i.JPEG)
}

func (b *batch) tensor(t workload.Tensor) {
	b.items, b.numbers = append(b.items, item{t.ID, true}), append(b.numbers, t.Data...)
}

func (b *batch) text(t workload.Text) {
	b.items, b.texts = append(b.items, item{t.ID, true}), append(b.texts, t.Text)
}

// collect puts every Batch inputs into one batch.
func collect[T any](c Case, list []T, err error, add func(*batch, T)) ([]batch, error) {
	if err != nil {
		return nil, err
	}
	var out []batch
	for from := 0; from+c.Batch <= len(list); from += c.Batch {
		b := batch{input: c.Input}
		for _, one := range list[from : from+c.Batch] {
			add(&b, one)
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
	default:
		return oip.Request{Model: m.Name, Inputs: []oip.Tensor{oip.NewFP32("pixel_values", []int64{n, 3, side, side}, b.numbers)}}
	}
}

func (b batch) rest(contract stack.Contract, m served) (http1.Request, error) {
	switch contract {
	case stack.Predict:
		return predict.Encode(b.files[0])
	case stack.OpenAI:
		return openai.Encode(m.Name, b.texts, openai.Float)
	default:
		return oip.EncodeREST(b.oip(m), oip.Binary)
	}
}
