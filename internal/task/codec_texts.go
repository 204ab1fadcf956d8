package task

import (
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/grpcraw"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/tgi"
	"stackbench/internal/wire/wsgen"
)

// textCodecs are those of generated text.
func textCodecs() []codec {
	texts := stack.TextGeneration
	return []codec{
		{way: way{stack.OpenAI, texts, stack.REST, stack.Text}, open: heard(completion(openai.Whole), openai.WholeEvents), decode: decodeText(openai.DecodeText), exact: true},
		{way: way{stack.OpenAI, texts, stack.SSE, stack.Text}, open: heard(completion(openai.Counted), openai.CompletionEvents), decode: decodeText(openai.DecodeStream), exact: true},
		{way: way{stack.TGI, texts, stack.REST, stack.Text}, open: heard(tgiPrompt(false), tgi.WholeEvents), decode: decodeText(tgi.DecodeText)},
		{way: way{stack.TGI, texts, stack.SSE, stack.Text}, open: heard(tgiPrompt(true), tgi.StreamEvents), decode: decodeText(tgi.DecodeStream)},
		{way: way{stack.WSGen, texts, stack.WS, stack.Text}, open: webSocket, decode: decodeText(wsgen.Decode), exact: true},
		{way: way{stack.OIP, texts, stack.GRPC, stack.Text}, open: inferStream, decode: decodeText(oip.DecodeText), exact: true},
	}
}

// generation is the batch as a prompt of a model.
func (b batch) generation(m Served) generation.Prompt {
	p, _ := b.contents[0].(prompt)
	return generation.Prompt{Model: m.Name, Text: p.Text, Tokens: p.Tokens, Exact: b.Items[0].exact}
}

// heard drives requests whose answers are heard as they come.
func heard(encode func(generation.Prompt) (http1.Request, error), hearing func() http1.Streaming) opener {
	return func(w *Work, m Served, at stack.Endpoint) error {
		t, err := w.requests(func(b batch) (http1.Request, error) { return encode(b.generation(m)) },
			func(list []http1.Request) (*http1.Target, error) {
				return http1.NewStreamingTarget(at.REST, list, hearing())
			})
		if err != nil {
			return err
		}
		t.Bound(w.textBytes())
		w.Target = target[*http1.Conn]{t}
		return nil
	}
}

func completion(d openai.Delivery) func(generation.Prompt) (http1.Request, error) {
	return func(p generation.Prompt) (http1.Request, error) { return openai.EncodeCompletion(p, d) }
}

func tgiPrompt(stream bool) func(generation.Prompt) (http1.Request, error) {
	return func(p generation.Prompt) (http1.Request, error) { return tgi.Encode(p, stream) }
}

func webSocket(w *Work, m Served, at stack.Endpoint) error {
	r, err := w.messages(func(b batch) ([]byte, error) { return wsgen.Encode(b.generation(m)) })
	if err != nil {
		return err
	}
	t, err := wsgen.NewTarget(at.REST, [][]byte{r.spare})
	if err != nil {
		return err
	}
	t.Draw(r.take)
	w.Target = target[*wsgen.Conn]{t}
	return nil
}

func inferStream(w *Work, m Served, at stack.Endpoint) error {
	r, err := w.messages(func(b batch) ([]byte, error) { return oip.EncodeGenerate(b.generation(m)) })
	if err != nil {
		return err
	}
	t, err := oip.NewGenerateTarget(at.GRPC, [][]byte{r.spare})
	if err != nil {
		return err
	}
	t.Draw(r.take)
	t.Bound(w.textBytes())
	w.Target, w.Close = target[*grpcraw.EventConn]{t}, t.Close
	return nil
}

func decodeText(decode func(record.Answer) (generation.Text, error)) decoder {
	return func(a record.Answer, _, _ int) (Answers, error) {
		t, err := decode(a)
		return Answers{written(t)}, err
	}
}
