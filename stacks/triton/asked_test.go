package triton_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"stackbench/internal/fake"
	"stackbench/internal/oippb"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/http1"
)

// ready asks the server whether it and a model are: the status is the answer.
func ready(ctx context.Context, at stack.Endpoint, model string) error {
	for _, path := range []string{"/v2/health/ready", "/v2/models/" + model + "/ready"} {
		if r := http1.Fetch(ctx, at.REST, http1.Request{Method: "GET", Path: path}); r.Outcome != record.Good {
			return fmt.Errorf("ask %s: %w", path, r.Err)
		}
	}
	return nil
}

// metadata is what a server says of a model.
type metadata struct {
	Name     string   `json:"name"`
	Versions []string `json:"versions"`
	Platform string   `json:"platform"`
	Inputs   []port   `json:"inputs"`
	Outputs  []port   `json:"outputs"`
}

type port struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

func metadataREST(t *testing.T, addr, model string) metadata {
	t.Helper()
	r := http1.Fetch(t.Context(), addr, http1.Request{Method: "GET", Path: "/v2/models/" + model})
	require.Equal(t, record.Good, r.Outcome, "%v", r.Err)
	var m metadata
	require.NoError(t, json.Unmarshal(r.Body, &m))
	return m
}

// metadataGRPC asks over gRPC, and whether the model is ready.
func metadataGRPC(t *testing.T, addr, model string) metadata {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	c := oippb.NewGRPCInferenceServiceClient(conn)
	is, err := c.ModelReady(t.Context(), &oippb.ModelReadyRequest{Name: model})
	require.NoError(t, err)
	require.True(t, is.GetReady())
	a, err := c.ModelMetadata(t.Context(), &oippb.ModelMetadataRequest{Name: model})
	require.NoError(t, err)
	return metadata{a.GetName(), a.GetVersions(), a.GetPlatform(), ports(a.GetInputs()), ports(a.GetOutputs())}
}

func ports(from []*oippb.ModelMetadataResponse_TensorMetadata) []port {
	var all []port
	for _, p := range from {
		all = append(all, port{p.GetName(), p.GetDatatype(), p.GetShape()})
	}
	return all
}

func TestRecordedMetadata(t *testing.T) {
	page, err := os.ReadFile("../../testdata/captures/triton/metadata.http")
	require.NoError(t, err)
	script, err := fake.Capture(page)
	require.NoError(t, err)
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	tokens := []int64{-1, -1}
	require.Equal(t, metadata{
		Name: "all-minilm-l6-v2", Versions: []string{"1"}, Platform: "python",
		Inputs:  []port{{"input_ids", "INT64", tokens}, {"attention_mask", "INT64", tokens}, {"token_type_ids", "INT64", tokens}},
		Outputs: []port{{"sentence_embedding", "FP32", []int64{-1, 384}}},
	}, metadataREST(t, f.Addr(), "all-minilm-l6-v2"))
}
