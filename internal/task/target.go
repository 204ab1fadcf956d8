package task

import (
	"context"

	"stackbench/internal/load"
	"stackbench/internal/wire/http1"
)

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

// messages has requests marshalled ahead of their being sent.
func (w *Work) messages(encode func(batch) ([]byte, error)) (*ring[[]byte], error) {
	r, err := newRing(func(n int) ([]byte, error) {
		b, err := w.In.Batch(n)
		if err != nil {
			return nil, err
		}
		return encode(b)
	}, func(b []byte) int { return len(b) })
	w.ahead = r
	return r, err
}

// requests has requests built ahead of their being sent. The target comes from
// the first of them.
func (w *Work) requests(encode func(batch) (http1.Request, error), dial func([]http1.Request) (*http1.Target, error)) (*http1.Target, error) {
	request := func(n int) (http1.Request, error) {
		b, err := w.In.Batch(n)
		if err != nil {
			return http1.Request{}, err
		}
		return encode(b)
	}
	first, err := request(0)
	if err != nil {
		return nil, err
	}
	t, err := dial([]http1.Request{first})
	if err != nil {
		return nil, err
	}
	r, err := newRing(func(n int) (*http1.Prepared, error) {
		q, err := request(n)
		if err != nil {
			return nil, err
		}
		return t.Prepare(q)
	}, func(*http1.Prepared) int { return len(first.Body) })
	if err != nil {
		return nil, err
	}
	t.Draw(r.take)
	w.ahead = r
	return t, nil
}
