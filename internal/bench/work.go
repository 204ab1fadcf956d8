package bench

import (
	"context"
	"fmt"

	"stackbench/internal/load"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
	"stackbench/internal/workload"
)

// served is what a case must know of a prepared model.
type served struct {
	Name   string
	Source string // hub, package or seeded
	SHA256 string
	Norm   workload.Normalisation // of image models
	Width  int                    // values of one answer: classes, or the embedding's length
}

// work is what one case sends: requests built before they are due, the items
// in each, and how to read an answer.
type work struct {
	target load.Target
	close  func() error
	items  [][]item // by request
	decode func(a record.Answer, items int) (answers, error)
}

// item is one image or text of a request.
type item struct {
	id     string
	golden bool // there is a golden answer
}

// target lets the engine drive a wire client without either knowing the other.
type target[C load.Conn] struct {
	client interface {
		Dial(ctx context.Context) (C, error)
	}
}

func (t target[C]) Dial(ctx context.Context) (load.Conn, error) {
	c, err := t.client.Dial(ctx)
	if err != nil {
		return nil, err // not c: a nil pointer in an interface is not nil
	}
	return c, nil
}

// prepare builds the requests of a case for a stack at an endpoint.
func prepare(c Case, how stack.Capability, m served, at stack.Endpoint, salt uint64) (*work, error) {
	batches, err := draw(c, m, salt)
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	return assemble(batches, how, m, at)
}

// assemble turns batches into the requests of a stack at an endpoint.
func assemble(batches []batch, how stack.Capability, m served, at stack.Endpoint) (*work, error) {
	w := &work{}
	for _, b := range batches {
		w.items = append(w.items, b.items)
	}
	var err error
	if how.Proto == stack.GRPC {
		err = w.grpc(batches, m, at.GRPC)
	} else {
		err = w.rest(batches, how.Contract, m, at.REST)
	}
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	return w, nil
}

func (w *work) grpc(batches []batch, m served, addr string) error {
	var requests [][]byte
	for _, b := range batches {
		r, err := oip.EncodeGRPC(b.oip(m))
		if err != nil {
			return err
		}
		requests = append(requests, r)
	}
	t, err := oip.NewGRPCTarget(addr, requests)
	if err != nil {
		return err
	}
	w.target, w.close = target[*oip.GRPCConn]{t}, t.Close
	w.decode = decodeOIP(oip.DecodeGRPC, m)
	return nil
}

func (w *work) rest(batches []batch, contract stack.Contract, m served, base string) error {
	var requests []http1.Request
	for _, b := range batches {
		r, err := b.rest(contract, m)
		if err != nil {
			return err
		}
		requests = append(requests, r)
	}
	t, err := http1.NewTarget(base, requests)
	if err != nil {
		return err
	}
	w.target, w.close = target[*http1.Conn]{t}, func() error { return nil }
	switch contract {
	case stack.Predict:
		w.decode = decodePredict
	case stack.OpenAI:
		w.decode = decodeOpenAI(m)
	default:
		w.decode = decodeOIP(oip.DecodeREST, m)
	}
	return nil
}
