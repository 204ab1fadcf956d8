package rpc_test

import (
	"context"
	"io"
	"io/fs"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"stackbench"
	"stackbench/internal/oippb"
	"stackbench/stacks/embedded/internal/batch"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/rpc"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
	"stackbench/stacks/embedded/internal/tiny"
)

// dial starts the API on a connection in memory.
func dial(t *testing.T, api *rpc.API) *grpc.ClientConn {
	listener := bufconn.Listen(1 << 20)
	done := make(chan error, 1)
	go func() { done <- api.Server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:memory", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	require.NoError(t, err)
	t.Cleanup(func() {
		conn.Close()
		api.Stop(time.Second)
		require.NoError(t, <-done)
	})
	return conn
}

func serve(t *testing.T, model string) *grpc.ClientConn {
	m, err := store.Open(tiny.Store(t), model)
	require.NoError(t, err)
	met := metrics.New(model)
	live, err := service.NewLive(m, service.Info{Model: model}, tiny.Graph(model), met, batch.Options{Waiting: 1, InFlight: 1})
	require.NoError(t, err)
	t.Cleanup(live.Close)
	api := rpc.New("server", met)
	api.Ready(live)
	return dial(t, api)
}

func code(t *testing.T, err error, want codes.Code, message string) {
	t.Helper()
	require.Equal(t, want, status.Code(err), "%v", err)
	require.Contains(t, status.Convert(err).Message(), message)
}

func TestMetadataAndHealth(t *testing.T) {
	conn, ctx := serve(t, tiny.Text), context.Background()
	c := oippb.NewGRPCInferenceServiceClient(conn)
	live, err := c.ServerLive(ctx, &oippb.ServerLiveRequest{})
	require.NoError(t, err)
	require.True(t, live.Live)
	ready, err := c.ServerReady(ctx, &oippb.ServerReadyRequest{})
	require.NoError(t, err)
	require.True(t, ready.Ready)
	server, err := c.ServerMetadata(ctx, &oippb.ServerMetadataRequest{})
	require.NoError(t, err)
	require.Equal(t, "server", server.Name)
	model, err := c.ModelReady(ctx, &oippb.ModelReadyRequest{Name: "tiny-text_text", Version: "1"})
	require.NoError(t, err)
	require.True(t, model.Ready)
	_, err = c.ModelReady(ctx, &oippb.ModelReadyRequest{Name: "x"})
	code(t, err, codes.NotFound, `unknown model "x"`)
	about, err := c.ModelMetadata(ctx, &oippb.ModelMetadataRequest{Name: tiny.Text})
	require.NoError(t, err)
	require.Equal(t, "input_ids", about.Inputs[0].Name)
	require.Equal(t, "INT64", about.Inputs[0].Datatype)
	require.Equal(t, []int64{-1, -1}, about.Inputs[1].Shape)
	require.Equal(t, []int64{-1, 4}, about.Outputs[0].Shape)
	health, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, health.Status)
}

func TestNotReadyUntilTheModelIsLoaded(t *testing.T) {
	conn, ctx := dial(t, rpc.New("server", metrics.New("m"))), context.Background()
	c := oippb.NewGRPCInferenceServiceClient(conn)
	ready, err := c.ServerReady(ctx, &oippb.ServerReadyRequest{})
	require.NoError(t, err)
	require.False(t, ready.Ready)
	model, err := c.ModelReady(ctx, &oippb.ModelReadyRequest{Name: "m"})
	require.NoError(t, err)
	require.False(t, model.Ready)
	_, err = c.ModelInfer(ctx, &oippb.ModelInferRequest{ModelName: "m"})
	code(t, err, codes.Unavailable, "still loading")
	health, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, health.Status)
}

type input = oippb.ModelInferRequest_InferInputTensor

func row(values []float32) []byte {
	return tensor.Tensor{Type: tensor.FP32, F32: values}.AppendRaw(nil)
}

func TestRawAndTypedContentsAgree(t *testing.T) {
	c, ctx := oippb.NewGRPCInferenceServiceClient(serve(t, tiny.Text)), context.Background()
	ids, mask := []int64{2, 4, 3}, []int64{1, 1, 1}
	port := func(name string) *input { return &input{Name: name, Datatype: "INT64", Shape: []int64{1, 3}} }
	raw := func(v []int64) []byte { return tensor.Tensor{Type: tensor.INT64, I64: v}.AppendRaw(nil) }
	a, err := c.ModelInfer(ctx, &oippb.ModelInferRequest{
		ModelName: tiny.Text, Id: "7", Inputs: []*input{port("attention_mask"), port("input_ids")}, // in any order
		RawInputContents: [][]byte{raw(mask), raw(ids)},
	})
	require.NoError(t, err)
	require.Equal(t, "7", a.Id)
	require.Equal(t, "sentence_embedding", a.Outputs[0].Name)
	require.Equal(t, "FP32", a.Outputs[0].Datatype)
	require.Equal(t, []int64{1, 4}, a.Outputs[0].Shape)
	require.Len(t, a.RawOutputContents[0], 16)

	first, second := port("input_ids"), port("attention_mask")
	first.Contents = &oippb.InferTensorContents{Int64Contents: ids}
	second.Contents = &oippb.InferTensorContents{Int64Contents: mask}
	b, err := c.ModelInfer(ctx, &oippb.ModelInferRequest{ModelName: tiny.Text, Inputs: []*input{first, second}})
	require.NoError(t, err)
	require.Equal(t, a.RawOutputContents, b.RawOutputContents)

	text := &input{Name: "TEXT", Datatype: "BYTES", Shape: []int64{1, 1}, Contents: &oippb.InferTensorContents{BytesContents: [][]byte{[]byte("A")}}}
	d, err := c.ModelInfer(ctx, &oippb.ModelInferRequest{ModelName: "tiny-text_text", ModelVersion: "1", Inputs: []*input{text}})
	require.NoError(t, err)
	require.Equal(t, a.RawOutputContents, d.RawOutputContents)
}

func TestImages(t *testing.T) {
	c, ctx := oippb.NewGRPCInferenceServiceClient(serve(t, tiny.Image)), context.Background()
	file, err := fs.ReadFile(stackbench.Testdata(), "images/espresso.jpg")
	require.NoError(t, err)
	files := tensor.Tensor{Type: tensor.BYTES, Bytes: [][]byte{file, file}}
	reply, err := c.ModelInfer(ctx, &oippb.ModelInferRequest{
		ModelName: "tiny-image_jpeg", Inputs: []*input{{Name: "IMAGE", Datatype: "BYTES", Shape: []int64{2, 1}}},
		RawInputContents: [][]byte{files.AppendRaw(nil)},
	})
	require.NoError(t, err)
	require.Equal(t, []int64{2, 7}, reply.Outputs[0].Shape)
	raw := reply.RawOutputContents[0]
	require.Equal(t, raw[:28], raw[28:])

	// A tensor beyond grpc's default limit of 4 MB a message.
	n := int64(1000)
	reply, err = c.ModelInfer(ctx, &oippb.ModelInferRequest{
		ModelName: tiny.Image, Inputs: []*input{{Name: "pixel_values", Datatype: "FP32", Shape: []int64{n, 3, 8, 8}}},
		RawInputContents: [][]byte{row(make([]float32, n*3*8*8))},
	})
	require.NoError(t, err)
	require.Equal(t, []int64{n, 7}, reply.Outputs[0].Shape)
}

func TestInferErrors(t *testing.T) {
	c, ctx := oippb.NewGRPCInferenceServiceClient(serve(t, tiny.Image)), context.Background()
	good := func() *oippb.ModelInferRequest {
		return &oippb.ModelInferRequest{
			ModelName: tiny.Image, Inputs: []*input{{Name: "pixel_values", Datatype: "FP32", Shape: []int64{1, 3, 8, 8}}},
			RawInputContents: [][]byte{row(make([]float32, 192))},
		}
	}
	check := func(change func(r *oippb.ModelInferRequest), want codes.Code, message string) {
		t.Helper()
		r := good()
		change(r)
		_, err := c.ModelInfer(ctx, r)
		code(t, err, want, message)
	}
	_, err := c.ModelInfer(ctx, good())
	require.NoError(t, err)
	check(func(r *oippb.ModelInferRequest) { r.ModelName = "x" }, codes.NotFound, "unknown model")
	check(func(r *oippb.ModelInferRequest) { r.ModelVersion = "2" }, codes.NotFound, "unknown version")
	check(func(r *oippb.ModelInferRequest) { r.Inputs[0].Name = "x" }, codes.InvalidArgument, "needs an input")
	check(func(r *oippb.ModelInferRequest) { r.Inputs[0].Datatype = "FP16" }, codes.InvalidArgument, "not supported")
	check(func(r *oippb.ModelInferRequest) { r.Inputs[0].Shape[0] = 2 }, codes.InvalidArgument, "768 bytes of data")
	check(func(r *oippb.ModelInferRequest) { r.Inputs[0].Contents = &oippb.InferTensorContents{} }, codes.InvalidArgument, "beside raw_input_contents")
	check(func(r *oippb.ModelInferRequest) { r.RawInputContents = append(r.RawInputContents, nil) }, codes.InvalidArgument, "2 raw_input_contents for 1 inputs")
	check(func(r *oippb.ModelInferRequest) { r.RawInputContents = nil }, codes.InvalidArgument, "0 elements of contents")
	check(func(r *oippb.ModelInferRequest) {
		r.Outputs = []*oippb.ModelInferRequest_InferRequestedOutputTensor{{Name: "z"}}
	}, codes.InvalidArgument, `no output "z"`)
	check(func(r *oippb.ModelInferRequest) {
		r.Inputs[0].Shape = []int64{1025, 3, 8, 8}
		r.RawInputContents[0] = make([]byte, 1025*768)
	},
		codes.ResourceExhausted, "over the limit")
}

func TestComputeErrorIsInternal(t *testing.T) {
	c := oippb.NewGRPCInferenceServiceClient(serve(t, tiny.Text))
	in := func(name string) *input {
		return &input{Name: name, Datatype: "INT64", Shape: []int64{1, 1}, Contents: &oippb.InferTensorContents{Int64Contents: []int64{99}}}
	}
	_, err := c.ModelInfer(context.Background(), &oippb.ModelInferRequest{ModelName: tiny.Text, Inputs: []*input{in("input_ids"), in("attention_mask")}})
	code(t, err, codes.Internal, "out of data bounds")
}

func TestAStreamAnswersInOrderAndOutlivesAnError(t *testing.T) {
	c, ctx := oippb.NewGRPCInferenceServiceClient(serve(t, tiny.Text)), context.Background()
	s, err := c.ModelStreamInfer(ctx)
	require.NoError(t, err)
	ask := func(model string) *oippb.ModelStreamInferResponse {
		text := &input{Name: "TEXT", Datatype: "BYTES", Shape: []int64{1, 1}, Contents: &oippb.InferTensorContents{BytesContents: [][]byte{[]byte("A")}}}
		require.NoError(t, s.Send(&oippb.ModelInferRequest{ModelName: model, Id: model, Inputs: []*input{text}}))
		answer, err := s.Recv()
		require.NoError(t, err)
		return answer
	}
	good := ask("tiny-text_text")
	require.Empty(t, good.ErrorMessage)
	require.Equal(t, "tiny-text_text", good.InferResponse.Id)
	require.Len(t, good.InferResponse.RawOutputContents[0], 16)
	require.Contains(t, ask("nope").ErrorMessage, "nope")
	require.Equal(t, good.InferResponse.RawOutputContents, ask("tiny-text_text").InferResponse.RawOutputContents)
	require.NoError(t, s.CloseSend())
	_, err = s.Recv()
	require.ErrorIs(t, err, io.EOF)
}
