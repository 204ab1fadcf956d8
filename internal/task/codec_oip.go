package task

import (
	"fmt"

	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/grpcraw"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
)

// oipCodecs are those of the Open Inference Protocol that answer with a tensor.
func oipCodecs() []codec {
	images, embeddings := stack.ImageClassification, stack.Embeddings
	rest, grpc, stream := decodeOIP(oip.DecodeREST), decodeOIP(oip.DecodeGRPC), decodeOIP(oip.DecodeStream)
	return []codec{
		{way: way{stack.OIP, images, stack.REST, stack.JPEG}, open: oipREST(oipFiles), decode: rest},
		{way: way{stack.OIP, images, stack.GRPC, stack.JPEG}, open: oipGRPC(oipFiles), decode: grpc},
		{way: way{stack.OIP, images, stack.Stream, stack.JPEG}, open: oipStream(oipFiles), decode: stream},
		{way: way{stack.OIP, images, stack.REST, stack.Tensor}, open: oipREST(oipTensor), decode: rest},
		{way: way{stack.OIP, images, stack.GRPC, stack.Tensor}, open: oipGRPC(oipTensor), decode: grpc},
		{way: way{stack.OIP, images, stack.Stream, stack.Tensor}, open: oipStream(oipTensor), decode: stream},
		{way: way{stack.OIP, embeddings, stack.REST, stack.Text}, open: oipREST(oipTexts), decode: rest},
		{way: way{stack.OIP, embeddings, stack.GRPC, stack.Text}, open: oipGRPC(oipTexts), decode: grpc},
		{way: way{stack.OIP, embeddings, stack.Stream, stack.Text}, open: oipStream(oipTexts), decode: stream},
		{way: way{stack.OIP, embeddings, stack.REST, stack.IDs}, open: oipREST(oipIDs), decode: rest},
		{way: way{stack.OIP, embeddings, stack.GRPC, stack.IDs}, open: oipGRPC(oipIDs), decode: grpc},
		{way: way{stack.OIP, embeddings, stack.Stream, stack.IDs}, open: oipStream(oipIDs), decode: stream},
	}
}

// oipRequest is a batch as an Open Inference Protocol request. A server names
// the bare model by its name, and the one with its preprocessing by a suffix.
type oipRequest func(b batch, m Served) oip.Request

func oipREST(request oipRequest) opener {
	return posts(func(b batch, m Served) (http1.Request, error) { return oip.EncodeREST(request(b, m)) })
}

func oipGRPC(request oipRequest) opener {
	return calls(request.Encode, oip.NewGRPCTarget)
}

func (r oipRequest) Encode(b batch, m Served) ([]byte, error) { return oip.EncodeGRPC(r(b, m)) }

func oipStream(request oipRequest) opener {
	return func(w *Work, m Served, at stack.Endpoint) error {
		r, err := w.messages(func(b batch) ([]byte, error) { return request.Encode(b, m) })
		if err != nil {
			return err
		}
		t, err := oip.NewStreamTarget(at.GRPC, [][]byte{r.spare})
		if err != nil {
			return err
		}
		t.Draw(r.take)
		w.Target, w.Close, w.bounded = target[*grpcraw.StreamConn]{t}, t.Close, t
		return nil
	}
}

func oipFiles(b batch, m Served) oip.Request {
	return oip.Request{Model: m.Name + "_jpeg", Inputs: []oip.Tensor{oip.NewBYTES("IMAGE", []int64{int64(len(b.Items)), 1}, carried[[]byte](b))}}
}

func oipTensor(b batch, m Served) oip.Request {
	return oip.Request{Model: m.Name, Inputs: []oip.Tensor{oip.NewFP32("pixel_values", []int64{int64(len(b.Items)), 3, side, side}, joined(b))}}
}

func oipTexts(b batch, m Served) oip.Request {
	texts := make([][]byte, len(b.Items))
	for i, t := range carried[string](b) {
		texts[i] = []byte(t)
	}
	return oip.Request{Model: m.Name + "_text", Inputs: []oip.Tensor{oip.NewBYTES("TEXT", []int64{int64(len(b.Items)), 1}, texts)}}
}

func oipIDs(b batch, m Served) oip.Request {
	return oip.Request{Model: m.Name, Inputs: b.padded(m.Model)}
}

// padded are the model's inputs, [texts, longest]: the ids, filled up with the
// model's padding; the mask, which is 1 where there is a token; and whatever
// else it has, which is 0 for a single sequence.
func (b batch) padded(m stack.Model) []oip.Tensor {
	longest, ids := 0, carried[[]int64](b)
	for _, row := range ids {
		longest = max(longest, len(row))
	}
	shape := []int64{int64(len(ids)), int64(longest)}
	var out []oip.Tensor
	g, _ := m.Graph(stack.Whole, stack.FP32)
	for _, in := range g.Inputs {
		values := make([]int64, 0, len(ids)*longest)
		for _, row := range ids {
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

func decodeOIP(read func(record.Answer) ([]oip.Tensor, error)) decoder {
	return func(a record.Answer, items, width int) (Answers, error) {
		tensors, err := read(a)
		if err != nil {
			return nil, err
		}
		if len(tensors) != 1 {
			return nil, fmt.Errorf("%d output tensors, want one", len(tensors))
		}
		all, err := tensors[0].Float32s()
		if err != nil {
			return nil, err
		}
		if len(all) != items*width {
			return nil, fmt.Errorf("output %s has %d values, want %d of %d", tensors[0].Name, len(all), items, width)
		}
		var out Answers
		for i := range items {
			out = append(out, values(all[i*width:(i+1)*width]))
		}
		return out, nil
	}
}
