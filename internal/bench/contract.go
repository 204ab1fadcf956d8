package bench

import (
	"context"
	"fmt"

	"stackbench/internal/load"
	"stackbench/internal/stack"
	"stackbench/internal/wire/grpcraw"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/predict"
	"stackbench/internal/wire/tei"
	"stackbench/internal/wire/torchserve"
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

// assemble turns inputs into the requests of a stack at an endpoint.
func assemble(in inputs, how stack.Capability, m served, at stack.Endpoint) (*work, error) {
	w := &work{in: in, close: func() error { return nil }}
	var err error
	switch {
	case how.Task == stack.TextGeneration:
		err = w.texts(how, m, at)
	case how.Proto == stack.GRPC:
		err = w.grpc(how, m, at.GRPC)
	case how.Proto == stack.Stream:
		err = w.stream(how, m, at.GRPC)
	default:
		err = w.rest(how, m, at.REST)
	}
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	if w.bounded != nil { // else it is text, and bounded already
		w.bounded.Bound(answerBytes(in, m))
	}
	end := w.close
	w.close = func() error {
		w.ahead.stop()
		return end()
	}
	return w, nil
}

// messages has requests marshalled ahead of their being sent.
func (w *work) messages(encode func(batch) ([]byte, error)) (*ring[[]byte], error) {
	r, err := newRing(func(n int) ([]byte, error) {
		b, err := w.in.batch(n)
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
func (w *work) requests(encode func(batch) (http1.Request, error), dial func([]http1.Request) (*http1.Target, error)) (*http1.Target, error) {
	request := func(n int) (http1.Request, error) {
		b, err := w.in.batch(n)
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

func (w *work) stream(how stack.Capability, m served, addr string) error {
	if how.Contract != stack.OIP {
		return fmt.Errorf("the contract %s has no stream", how.Contract)
	}
	r, err := w.messages(func(b batch) ([]byte, error) { return b.grpc(how.Contract, m) })
	if err != nil {
		return err
	}
	t, err := oip.NewStreamTarget(addr, [][]byte{r.spare})
	if err != nil {
		return err
	}
	t.Draw(r.take)
	w.target, w.close, w.decode, w.bounded = target[*grpcraw.StreamConn]{t}, t.Close, decodeOIP(oip.DecodeStream, m), t
	return nil
}

func (w *work) grpc(how stack.Capability, m served, addr string) error {
	r, err := w.messages(func(b batch) ([]byte, error) { return b.grpc(how.Contract, m) })
	if err != nil {
		return err
	}
	t, err := grpcTarget(how.Contract, addr, [][]byte{r.spare})
	if err != nil {
		return err
	}
	t.Draw(r.take)
	w.target, w.close, w.bounded = target[*grpcraw.Conn]{t}, t.Close, t
	switch how.Contract {
	case stack.TorchServe:
		w.decode = decodeTorchServe(torchserve.PredictionGRPC, how.Input, m)
	case stack.TEI:
		w.decode = decodeTEI(tei.DecodeGRPC, m)
	default:
		w.decode = decodeOIP(oip.DecodeGRPC, m)
	}
	return nil
}

// grpc is the batch as a marshalled message of a contract.
func (b batch) grpc(contract stack.Contract, m served) ([]byte, error) {
	switch contract {
	case stack.OIP:
		return oip.EncodeGRPC(b.oip(m))
	case stack.TorchServe:
		return torchserve.EncodeGRPC(m.Name, b.torchServe())
	case stack.TEI:
		return tei.EncodeGRPC(b.texts[0])
	}
	return nil, fmt.Errorf("the contract %s is not spoken over gRPC", contract)
}

func grpcTarget(contract stack.Contract, addr string, requests [][]byte) (*grpcraw.Target, error) {
	switch contract {
	case stack.TorchServe:
		return torchserve.NewGRPCTarget(addr, requests)
	case stack.TEI:
		return grpcraw.NewTarget(addr, tei.Method, requests)
	}
	return oip.NewGRPCTarget(addr, requests)
}

func (w *work) rest(how stack.Capability, m served, base string) error {
	t, err := w.requests(func(b batch) (http1.Request, error) { return b.rest(how.Contract, m) },
		func(list []http1.Request) (*http1.Target, error) { return http1.NewTarget(base, list) })
	if err != nil {
		return err
	}
	w.target, w.bounded = target[*http1.Conn]{t}, t
	switch how.Contract {
	case stack.Predict:
		w.decode = decodePredict
	case stack.TorchServe:
		w.decode = decodeTorchServe(torchserve.PredictionREST, how.Input, m)
	case stack.TEI:
		w.decode = decodeTEI(tei.DecodeREST, m)
	case stack.OpenAI:
		w.decode = decodeOpenAI(m)
	default:
		w.decode = decodeOIP(oip.DecodeREST, m)
	}
	return nil
}

// rest is the batch as a request of a contract.
func (b batch) rest(contract stack.Contract, m served) (http1.Request, error) {
	switch contract {
	case stack.OIP:
		return oip.EncodeREST(b.oip(m))
	case stack.Predict:
		return predict.Encode(b.files[0])
	case stack.OpenAI:
		return openai.Encode(m.Name, b.texts)
	case stack.TorchServe:
		return torchserve.EncodeREST(m.Name, b.torchServe())
	case stack.TEI:
		return tei.EncodeREST(b.texts)
	}
	return http1.Request{}, fmt.Errorf("the contract %s is not spoken over REST", contract)
}
