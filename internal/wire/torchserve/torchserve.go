// Package torchserve speaks to TorchServe: POST /predictions/MODEL with the
// input as the body, or InferenceAPIsService over gRPC with the input as a named
// value. What goes in and comes out is the handler's own: this project's answers
// a JPEG with the five best classes, as /predict does, and tensors, float32
// [n, 3, height, width], with their logits, float32 [n, classes]; both little endian.
package torchserve

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/url"

	"google.golang.org/protobuf/proto"

	"stackbench/internal/record"
	"stackbench/internal/wire/grpcraw"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/predict"
	"stackbench/internal/wire/torchserve/torchservepb"
)

// Input is what a request carries: exactly one of the two.
type Input struct {
	JPEG   []byte    // one file
	Tensor []float32 // the items' values one after the other
}

// form gives the input's bytes, its media type over REST and its name over gRPC.
func (in Input) form() (data []byte, media, name string, err error) {
	switch {
	case in.JPEG != nil && in.Tensor == nil:
		if len(in.JPEG) < 4 || in.JPEG[0] != 0xff || in.JPEG[1] != 0xd8 {
			return nil, "", "", fmt.Errorf("encode torchserve request: %d bytes are not a JPEG file", len(in.JPEG))
		}
		return in.JPEG, "image/jpeg", "jpeg", nil
	case in.JPEG == nil && len(in.Tensor) > 0:
		return pack(in.Tensor), "application/octet-stream", "tensor", nil
	}
	return nil, "", "", fmt.Errorf("encode torchserve request: want a JPEG file or a tensor")
}

func pack(values []float32) []byte {
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// EncodeREST builds the request for a model. It names the body's type, without
// which TorchServe takes the body for a form.
func EncodeREST(model string, in Input) (http1.Request, error) {
	data, media, _, err := in.form()
	if err != nil {
		return http1.Request{}, err
	}
	return http1.Request{
		Method: "POST",
		Path:   "/predictions/" + url.PathEscape(model),
		Header: []http1.Field{{Name: "Content-Type", Value: media}},
		Body:   data,
	}, nil
}

// EncodeGRPC builds the marshalled PredictionsRequest for a model.
func EncodeGRPC(model string, in Input) ([]byte, error) {
	data, _, name, err := in.form()
	if err != nil {
		return nil, err
	}
	b, err := proto.Marshal(&torchservepb.PredictionsRequest{ModelName: model, Input: map[string][]byte{name: data}})
	if err != nil {
		return nil, fmt.Errorf("encode torchserve request: %w", err)
	}
	return b, nil
}

// NewGRPCTarget prepares marshalled PredictionsRequests for the server at
// host:port. They must not change from now on.
func NewGRPCTarget(addr string, requests [][]byte) (*grpcraw.Target, error) {
	return grpcraw.NewTarget(addr, torchservepb.InferenceAPIsService_Predictions_FullMethodName, requests)
}

// PredictionREST is what the handler answered, out of a kept answer.
func PredictionREST(a record.Answer) ([]byte, error) { return a.Body, nil }

// PredictionGRPC is PredictionREST over gRPC, where TorchServe drops the status
// that the handler gave: the answer may be an error's, which decoding tells.
func PredictionGRPC(a record.Answer) ([]byte, error) {
	var m torchservepb.PredictionResponse
	if err := proto.Unmarshal(a.Body, &m); err != nil {
		return nil, fmt.Errorf("decode torchserve answer: the message is not a PredictionResponse (it begins with %.20q): %w", a.Body, err)
	}
	return m.GetPrediction(), nil
}

// DecodeTop reads the best classes out of the answer to a JPEG.
func DecodeTop(prediction []byte) (predict.Prediction, error) {
	return predict.Decode(record.Answer{Body: prediction})
}

// DecodeLogits reads the answer to tensors, [items, classes].
func DecodeLogits(prediction []byte, items, classes int) ([][]float32, error) {
	if len(prediction) != 4*items*classes {
		return nil, fmt.Errorf("decode torchserve answer: %d bytes, want %d × %d float32 (it begins with %.60q)", len(prediction), items, classes, prediction)
	}
	out := make([][]float32, items)
	for i := range out {
		out[i] = make([]float32, classes)
		for j := range out[i] {
			out[i][j] = math.Float32frombits(binary.LittleEndian.Uint32(prediction[4*(i*classes+j):]))
		}
	}
	return out, nil
}
