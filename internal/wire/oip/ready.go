package oip

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"stackbench/internal/oippb"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

// Metadata is what a server says of a model.
type Metadata struct {
	Name     string   `json:"name"`
	Versions []string `json:"versions"`
	Platform string   `json:"platform"`
	Inputs   []Info   `json:"inputs"`
	Outputs  []Info   `json:"outputs"`
}

// Info describes an input or output; -1 in a shape is any size.
type Info struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

// ReadyREST returns nil when the server at base (see http1.NewTarget) and the
// model on it say that they are ready. That they answer right is for a real
// request to prove.
func ReadyREST(ctx context.Context, base, model string) error {
	for _, path := range []string{"/v2/health/ready", "/v2/models/" + url.PathEscape(model) + "/ready"} {
		body, err := get(ctx, base, path)
		if err != nil {
			return err
		}
		// Triton's answer is empty; KServe's says {"ready": false} in a 200.
		var said struct {
			Ready *bool `json:"ready"`
		}
		if err := json.Unmarshal(body, &said); err == nil && said.Ready != nil && !*said.Ready {
			return fmt.Errorf("ask %s%s: not ready", base, path)
		}
	}
	return nil
}

// MetadataREST asks the server at base for a model's inputs and outputs.
func MetadataREST(ctx context.Context, base, model string) (Metadata, error) {
	path := "/v2/models/" + url.PathEscape(model)
	body, err := get(ctx, base, path)
	if err != nil {
		return Metadata{}, err
	}
	return decodeMetadata(base+path, body)
}

func decodeMetadata(from string, body []byte) (Metadata, error) {
	var m Metadata
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("ask %s: the answer is not the protocol's JSON (it begins with %.60q): %w", from, body, err)
	}
	if m.Name == "" || len(m.Inputs) == 0 || len(m.Outputs) == 0 {
		return m, fmt.Errorf("ask %s: the answer names no model with inputs and outputs: %.60q", from, body)
	}
	return m, nil
}

func get(ctx context.Context, base, path string) ([]byte, error) {
	r := http1.Fetch(ctx, base, http1.Request{Method: "GET", Path: path})
	if r.Outcome != record.Good {
		return nil, fmt.Errorf("ask %s%s: %w", base, path, r.Err)
	}
	return bytes.Clone(r.Body), nil
}

// ReadyGRPC is ReadyREST over gRPC, at host:port.
func ReadyGRPC(ctx context.Context, addr, model string) error {
	return ask(addr, func(c oippb.GRPCInferenceServiceClient) error {
		s, err := c.ServerReady(ctx, &oippb.ServerReadyRequest{})
		if err != nil {
			return fmt.Errorf("ask %s for ServerReady: %s", addr, status.Convert(err).Message())
		}
		m, err := c.ModelReady(ctx, &oippb.ModelReadyRequest{Name: model})
		if err != nil {
			return fmt.Errorf("ask %s for ModelReady of %s: %s", addr, model, status.Convert(err).Message())
		}
		if !s.GetReady() || !m.GetReady() {
			return fmt.Errorf("ask %s for readiness: server %t, model %s %t", addr, s.GetReady(), model, m.GetReady())
		}
		return nil
	})
}

// MetadataGRPC is MetadataREST over gRPC, at host:port.
func MetadataGRPC(ctx context.Context, addr, model string) (Metadata, error) {
	var m Metadata
	err := ask(addr, func(c oippb.GRPCInferenceServiceClient) error {
		a, err := c.ModelMetadata(ctx, &oippb.ModelMetadataRequest{Name: model})
		if err != nil {
			return fmt.Errorf("ask %s for ModelMetadata of %s: %s", addr, model, status.Convert(err).Message())
		}
		m = Metadata{Name: a.GetName(), Versions: a.GetVersions(), Platform: a.GetPlatform()}
		m.Inputs, m.Outputs = infos(a.GetInputs()), infos(a.GetOutputs())
		return nil
	})
	return m, err
}

func infos(from []*oippb.ModelMetadataResponse_TensorMetadata) []Info {
	all := make([]Info, len(from))
	for i, t := range from {
		all[i] = Info{Name: t.GetName(), Datatype: t.GetDatatype(), Shape: t.GetShape()}
	}
	return all
}

// ask runs calls over a connection of their own.
func ask(addr string, calls func(oippb.GRPCInferenceServiceClient) error) error {
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return fmt.Errorf("prepare connection to %s: %w", addr, err)
	}
	return errors.Join(calls(oippb.NewGRPCInferenceServiceClient(conn)), conn.Close())
}
