package oip

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"stackbench/internal/oippb"
)

const card = `{"name":"m","versions":["1"],"platform":"onnx","inputs":[{"name":"x","datatype":"FP32","shape":[-1,3]}],
	"outputs":[{"name":"y","datatype":"FP32","shape":[-1,2]}]}`

var wantCard = Metadata{
	Name: "m", Versions: []string{"1"}, Platform: "onnx",
	Inputs:  []Info{{"x", FP32, []int64{-1, 3}}},
	Outputs: []Info{{"y", FP32, []int64{-1, 2}}},
}

func TestREST(t *testing.T) {
	replies := map[string]string{
		"/v2/health/ready": "", "/v2/models/m/ready": "", "/v2/models/m": card,
		"/v2/models/loading/ready": `{"name":"loading","ready":false}`,
		"/v2/models/odd/ready":     `true`, "/v2/models/odd": `<html>`,
		"/v2/models/bare": `{"name":"bare"}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := replies[r.URL.Path]
		if !ok {
			http.Error(w, `{"error":"unknown model"}`, 404)
			return
		}
		io.WriteString(w, body)
	}))
	defer s.Close()
	base := s.Listener.Addr().String()
	require.NoError(t, ReadyREST(t.Context(), base, "m"))
	require.NoError(t, ReadyREST(t.Context(), base, "odd"))
	require.ErrorContains(t, ReadyREST(t.Context(), base, "loading"), "not ready")
	require.ErrorContains(t, ReadyREST(t.Context(), base, "nope"), "status 404")
	require.ErrorContains(t, ReadyREST(t.Context(), "127.0.0.1:1", "m"), "connect to 127.0.0.1:1")

	m, err := MetadataREST(t.Context(), base, "m")
	require.NoError(t, err)
	require.Equal(t, wantCard, m)
	for model, want := range map[string]string{"odd": "<html>", "bare": "no model with inputs", "nope": "status 404"} {
		_, err := MetadataREST(t.Context(), base, model)
		require.ErrorContains(t, err, want)
	}
}

// server is a real implementation of the service's questions.
type server struct {
	oippb.UnimplementedGRPCInferenceServiceServer
}

func (server) ServerReady(context.Context, *oippb.ServerReadyRequest) (*oippb.ServerReadyResponse, error) {
	return &oippb.ServerReadyResponse{Ready: true}, nil
}

func (server) ModelReady(_ context.Context, r *oippb.ModelReadyRequest) (*oippb.ModelReadyResponse, error) {
	return &oippb.ModelReadyResponse{Ready: r.Name == "m"}, nil
}

func (server) ModelMetadata(_ context.Context, r *oippb.ModelMetadataRequest) (*oippb.ModelMetadataResponse, error) {
	if r.Name != "m" {
		return nil, status.Error(codes.NotFound, "unknown model")
	}
	return &oippb.ModelMetadataResponse{
		Name: "m", Versions: []string{"1"}, Platform: "onnx",
		Inputs:  []*oippb.ModelMetadataResponse_TensorMetadata{{Name: "x", Datatype: FP32, Shape: []int64{-1, 3}}},
		Outputs: []*oippb.ModelMetadataResponse_TensorMetadata{{Name: "y", Datatype: FP32, Shape: []int64{-1, 2}}},
	}, nil
}

func TestGRPCQuestions(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := grpc.NewServer()
	oippb.RegisterGRPCInferenceServiceServer(s, server{})
	go s.Serve(l)
	defer s.Stop()
	addr := l.Addr().String()
	require.NoError(t, ReadyGRPC(t.Context(), addr, "m"))
	require.ErrorContains(t, ReadyGRPC(t.Context(), addr, "loading"), "model loading false")
	require.ErrorContains(t, ReadyGRPC(t.Context(), "127.0.0.1:1", "m"), "refused")
	m, err := MetadataGRPC(t.Context(), addr, "m")
	require.NoError(t, err)
	require.Equal(t, wantCard, m)
	_, err = MetadataGRPC(t.Context(), addr, "nope")
	require.ErrorContains(t, err, "unknown model")
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(card))
	f.Add([]byte(`{"name":"m","inputs":[null],"outputs":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := decodeMetadata("x", b); err == nil {
			require.NotEmpty(t, m.Name)
		}
	})
}
