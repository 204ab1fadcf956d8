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

// assemble turns batches into the requests of a stack at an endpoint.
func assemble(batches []batch, how stack.Capability, m served, at stack.Endpoint) (*work, error) {
	w := &work{}
	for _, b := range batches {
		w.items = append(w.items, b.items)
	}
	var err error
	switch how.Proto {
	case stack.GRPC:
		err = w.grpc(batches, how.Contract, m, at.GRPC)
	case stack.Stream:
		err = w.stream(batches, how.Contract, m, at.GRPC)
	default:
		err = w.rest(batches, how.Contract, m, at.REST)
	}
	if err != nil {
		return nil, fmt.Errorf("build requests: %w", err)
	}
	w.bounded.Bound(answerBytes(batches, m))
	return w, nil
}

// messages are the batches, marshalled.
func messages(batches []batch, contract stack.Contract, m served) ([][]byte, error) {
	var requests [][]byte
	for _, b := range batches {
		r, err := b.grpc(contract, m)
		if err != nil {
			return nil, err
		}
		requests = append(requests, r)
	}
	return requests, nil
}

func (w *work) stream(batches []batch, contract stack.Contract, m served, addr string) error {
	if contract != stack.OIP {
		return fmt.Errorf("the contract %s has no stream", contract)
	}
	requests, err := messages(batches, contract, m)
	if err != nil {
		return err
	}
	t, err := oip.NewStreamTarget(addr, requests)
	if err != nil {
		return err
	}
	w.target, w.close, w.decode, w.bounded = target[*grpcraw.StreamConn]{t}, t.Close, decodeOIP(oip.DecodeStream, m), t
	return nil
}

func (w *work) grpc(batches []batch, contract stack.Contract, m served, addr string) error {
	requests, err := messages(batches, contract, m)
	if err != nil {
		return err
	}
	t, err := grpcTarget(contract, addr, requests)
	if err != nil {
		return err
	}
	w.target, w.close, w.bounded = target[*grpcraw.Conn]{t}, t.Close, t
	switch contract {
	case stack.TorchServe:
		w.decode = decodeTorchServe(torchserve.PredictionGRPC, batches[0].input, m)
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
	w.target, w.close, w.bounded = target[*http1.Conn]{t}, func() error { return nil }, t
	switch contract {
	case stack.Predict:
		w.decode = decodePredict
	case stack.TorchServe:
		w.decode = decodeTorchServe(torchserve.PredictionREST, batches[0].input, m)
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
		return oip.EncodeREST(b.oip(m), oip.Binary)
	case stack.Predict:
		return predict.Encode(b.files[0])
	case stack.OpenAI:
		return openai.Encode(m.Name, b.texts, openai.Float)
	case stack.TorchServe:
		return torchserve.EncodeREST(m.Name, b.torchServe())
	case stack.TEI:
		return tei.EncodeREST(b.texts)
	}
	return http1.Request{}, fmt.Errorf("the contract %s is not spoken over REST", contract)
}
