package task

import (
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/grpcraw"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/predict"
	"stackbench/internal/wire/tei"
	"stackbench/internal/wire/torchserve"
)

// vectorCodecs are the other contracts that answer with vectors, or with the
// best classes.
func vectorCodecs() []codec {
	images, embeddings := stack.ImageClassification, stack.Embeddings
	overREST, overGRPC := torchserve.PredictionREST, torchserve.PredictionGRPC
	return []codec{
		{way: way{stack.Predict, images, stack.REST, stack.JPEG}, open: posts(predictFile), decode: decodePredict, best: true},
		{way: way{stack.TorchServe, images, stack.REST, stack.JPEG}, open: torchServeREST(handlerFile), decode: decodeTop(overREST), best: true},
		{way: way{stack.TorchServe, images, stack.GRPC, stack.JPEG}, open: torchServeGRPC(handlerFile), decode: decodeTop(overGRPC), best: true},
		{way: way{stack.TorchServe, images, stack.REST, stack.Tensor}, open: torchServeREST(handlerTensor), decode: decodeLogits(overREST)},
		{way: way{stack.TorchServe, images, stack.GRPC, stack.Tensor}, open: torchServeGRPC(handlerTensor), decode: decodeLogits(overGRPC)},
		{way: way{stack.OpenAI, embeddings, stack.REST, stack.Text}, open: posts(openAITexts), decode: decodeOpenAI},
		{way: way{stack.TEI, embeddings, stack.REST, stack.Text}, open: posts(teiTexts), decode: decodeTEI(tei.DecodeREST)},
		{way: way{stack.TEI, embeddings, stack.GRPC, stack.Text}, open: calls(teiText, teiTarget), decode: decodeTEI(tei.DecodeGRPC)},
	}
}

// posts sends each request by HTTP, and takes its answer as a whole.
func posts(encode func(batch, Served) (http1.Request, error)) opener {
	return func(w *Work, m Served, at stack.Endpoint) error {
		t, err := w.requests(func(b batch) (http1.Request, error) { return encode(b, m) },
			func(list []http1.Request) (*http1.Target, error) { return http1.NewTarget(at.REST, list) })
		if err != nil {
			return err
		}
		w.Target, w.bounded = target[*http1.Conn]{t}, t
		return nil
	}
}

// calls sends each request as a gRPC call.
func calls(encode func(batch, Served) ([]byte, error), dial func(addr string, requests [][]byte) (*grpcraw.Target, error)) opener {
	return func(w *Work, m Served, at stack.Endpoint) error {
		r, err := w.messages(func(b batch) ([]byte, error) { return encode(b, m) })
		if err != nil {
			return err
		}
		t, err := dial(at.GRPC, [][]byte{r.spare})
		if err != nil {
			return err
		}
		t.Draw(r.take)
		w.Target, w.Close, w.bounded = target[*grpcraw.Conn]{t}, t.Close, t
		return nil
	}
}

func predictFile(b batch, _ Served) (http1.Request, error) {
	return predict.Encode(carried[[]byte](b)[0])
}

func openAITexts(b batch, m Served) (http1.Request, error) {
	return openai.Encode(m.Name, carried[string](b))
}

func teiTexts(b batch, _ Served) (http1.Request, error) { return tei.EncodeREST(carried[string](b)) }

func teiText(b batch, _ Served) ([]byte, error) { return tei.EncodeGRPC(carried[string](b)[0]) }

func teiTarget(addr string, requests [][]byte) (*grpcraw.Target, error) {
	return grpcraw.NewTarget(addr, tei.Method, requests)
}

// handlerInput is a batch as TorchServe's handler takes it: one file, or one
// tensor of all items.
type handlerInput func(batch) torchserve.Input

func handlerFile(b batch) torchserve.Input { return torchserve.Input{JPEG: carried[[]byte](b)[0]} }

func handlerTensor(b batch) torchserve.Input { return torchserve.Input{Tensor: joined(b)} }

func torchServeREST(in handlerInput) opener {
	return posts(func(b batch, m Served) (http1.Request, error) { return torchserve.EncodeREST(m.Name, in(b)) })
}

func torchServeGRPC(in handlerInput) opener {
	encode := func(b batch, m Served) ([]byte, error) { return torchserve.EncodeGRPC(m.Name, in(b)) }
	return calls(encode, torchserve.NewGRPCTarget)
}

func decodeOpenAI(a record.Answer, items, width int) (Answers, error) {
	e, err := openai.Decode(a, items, width)
	return vectorsOf(e.Vectors), err
}

func decodeTEI(read func(a record.Answer, texts, width int) ([][]float32, error)) decoder {
	return func(a record.Answer, items, width int) (Answers, error) {
		vectors, err := read(a, items, width)
		return vectorsOf(vectors), err
	}
}

func decodePredict(a record.Answer, _, _ int) (Answers, error) { return ranked(predict.Decode(a)) }

func decodeTop(read func(record.Answer) ([]byte, error)) decoder {
	return func(a record.Answer, _, _ int) (Answers, error) {
		body, err := read(a)
		if err != nil {
			return nil, err
		}
		return ranked(torchserve.DecodeTop(body))
	}
}

func ranked(p predict.Prediction, err error) (Answers, error) {
	var top classes
	for _, c := range p.Top {
		top = append(top, quality.Ranked{Index: c.Index, Logit: float32(c.Logit)})
	}
	return Answers{top}, err
}

func decodeLogits(read func(record.Answer) ([]byte, error)) decoder {
	return func(a record.Answer, items, width int) (Answers, error) {
		body, err := read(a)
		if err != nil {
			return nil, err
		}
		rows, err := torchserve.DecodeLogits(body, items, width)
		return vectorsOf(rows), err
	}
}
