// Package torchserve speaks TorchServe's own contract of an image classifier:
// POST /predictions/MODEL with one JPEG as the body, or
// org.pytorch.serve.grpc.inference over gRPC. What is answered is the handler's
// affair; ours answers as package predict says.
package torchserve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"google.golang.org/protobuf/proto"

	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/predict"
	"stackbench/internal/wire/torchserve/torchservepb"
)

// Method is the gRPC method of a prediction.
const Method = "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions"

// EncodeREST builds the request for one JPEG file. The content type must be
// there: without one the server takes the body for a form, and fails.
func EncodeREST(model string, jpeg []byte) (http1.Request, error) {
	r, err := predict.Encode(jpeg)
	r.Path = "/predictions/" + url.PathEscape(model)
	return r, err
}

// DecodeREST reads a kept answer.
func DecodeREST(a record.Answer) (predict.Prediction, error) { return predict.Decode(a) }

// EncodeGRPC builds a marshalled PredictionsRequest for one JPEG file.
func EncodeGRPC(model string, jpeg []byte) ([]byte, error) {
	if _, err := predict.Encode(jpeg); err != nil {
		return nil, err
	}
	b, err := proto.Marshal(&torchservepb.PredictionsRequest{ModelName: model, Input: map[string][]byte{"data": jpeg}})
	if err != nil {
		return nil, fmt.Errorf("encode torchserve request: %w", err)
	}
	return b, nil
}

// DecodeGRPC reads a kept PredictionResponse.
func DecodeGRPC(a record.Answer) (predict.Prediction, error) {
	var m torchservepb.PredictionResponse
	if err := proto.Unmarshal(a.Body, &m); err != nil {
		return predict.Prediction{}, fmt.Errorf("decode torchserve answer: the message is not a PredictionResponse (it begins with %.20q): %w", a.Body, err)
	}
	return predict.Decode(record.Answer{Body: m.GetPrediction()})
}

// Ready asks the management API, at host:port, whether every worker of a model
// is ready. /ping is no such question: it answers Healthy before a worker is
// up, and with a handler that cannot be loaded.
func Ready(ctx context.Context, addr, model string) error {
	path := "/models/" + url.PathEscape(model)
	reply := http1.Fetch(ctx, addr, http1.Request{Method: "GET", Path: path})
	if reply.Outcome != record.Good {
		return fmt.Errorf("ask %s%s: %s: %w", addr, path, reply.Outcome, reply.Err)
	}
	return ready(reply.Body)
}

// ready reads the description of a model.
func ready(body []byte) error {
	var versions []struct {
		Workers []struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		} `json:"workers"`
	}
	if err := json.Unmarshal(body, &versions); err != nil {
		return fmt.Errorf("the description of the model is not TorchServe's (it begins with %.60q): %w", body, err)
	}
	workers := 0
	for _, v := range versions {
		for _, w := range v.Workers {
			workers++
			if w.Status != "READY" {
				return fmt.Errorf("worker %s is %s", w.ID, w.Status)
			}
		}
	}
	if workers == 0 {
		return fmt.Errorf("the model has no worker")
	}
	return nil
}
