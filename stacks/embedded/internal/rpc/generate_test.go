package rpc_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"stackbench/internal/oippb"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/oip"
	embedded "stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/rpc"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tiny"
)

// paced is the tiny decoder computed in Go: each execution takes one of pace, if
// there is such a channel, and what it takes is what it fails with.
type paced struct {
	*tiny.Sequence
	pace chan error
}

func (p paced) Next(ids []int64) ([]float32, error) {
	if p.pace != nil {
		if err := <-p.pace; err != nil {
			return nil, err
		}
	}
	return p.Sequence.Next(ids)
}

// writer serves the tiny decoder: one answer at a time, and nobody may wait.
func writer(t *testing.T, pace chan error) (oippb.GRPCInferenceServiceClient, *metrics.Metrics) {
	m, err := store.Open(tiny.Store(t), tiny.Decoder)
	require.NoError(t, err)
	met := metrics.New(tiny.Decoder)
	begin := func(int) (embedded.Sequence, error) { return paced{&tiny.Sequence{}, pace}, nil }
	w, err := service.NewWriter(m, service.Info{Model: tiny.Decoder}, begin, met, embedded.Options{AtOnce: 1, Steps: 1})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	api := rpc.New("server", met)
	api.Ready(w)
	c := oippb.NewGRPCInferenceServiceClient(dial(t, api))
	if pace != nil {
		t.Cleanup(func() { close(pace) })
	}
	return c, met
}

// wanted is the repo's own client's request.
func wanted(t *testing.T, change func(r *oippb.ModelInferRequest)) *oippb.ModelInferRequest {
	raw, err := oip.EncodeGenerate(generation.Prompt{Model: tiny.Decoder, Text: "bc", Tokens: 3})
	require.NoError(t, err)
	r := &oippb.ModelInferRequest{}
	require.NoError(t, proto.Unmarshal(raw, r))
	if change != nil {
		change(r)
	}
	return r
}

// said is a message's outputs by name.
func said(t *testing.T, m *oippb.ModelStreamInferResponse) map[string]string {
	require.Empty(t, m.ErrorMessage)
	out := map[string]string{}
	for i, o := range m.InferResponse.Outputs {
		require.Equal(t, []int64{1}, o.Shape)
		out[o.Name+" "+o.Datatype] = string(m.InferResponse.RawOutputContents[i])
	}
	return out
}

func TestAMessageAToken(t *testing.T) {
	c, _ := writer(t, nil)
	s, err := c.ModelStreamInfer(context.Background())
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, s.Send(wanted(t, func(r *oippb.ModelInferRequest) { r.Id = "7" })))
		for i := range 3 {
			m, err := s.Recv()
			require.NoError(t, err)
			finish := "\x04\x00\x00\x00None"
			if i == 2 {
				finish = "\x06\x00\x00\x00length"
			}
			require.Equal(t, "7", m.InferResponse.Id)
			require.Equal(t, map[string]string{
				"text_output BYTES": "\x01\x00\x00\x00b", "finish_reason BYTES": finish,
				"num_input_tokens UINT32": "\x02\x00\x00\x00", "num_output_tokens UINT32": "\x01\x00\x00\x00",
			}, said(t, m))
		}
	}
	require.NoError(t, s.CloseSend())
	_, err = s.Recv()
	require.ErrorIs(t, err, io.EOF)
}

// set changes the element of a raw input.
func set(name, value string) func(r *oippb.ModelInferRequest) {
	return func(r *oippb.ModelInferRequest) {
		for i, in := range r.Inputs {
			if in.Name == name {
				r.RawInputContents[i] = []byte(value)
			}
		}
	}
}

func TestAWholeAnswerInOneMessage(t *testing.T) {
	c, _ := writer(t, nil)
	s, err := c.ModelStreamInfer(context.Background())
	require.NoError(t, err)
	require.NoError(t, s.Send(wanted(t, set("stream", "\x00"))))
	m, err := s.Recv()
	require.NoError(t, err)
	require.Equal(t, "\x03\x00\x00\x00bbb", said(t, m)["text_output BYTES"])
	require.Equal(t, "\x03\x00\x00\x00", said(t, m)["num_output_tokens UINT32"])
	// As typed contents, and by the defaults: the prompt before the text, and nothing else.
	prompt := &input{Name: "text_input", Datatype: "BYTES", Shape: []int64{1}, Contents: &oippb.InferTensorContents{BytesContents: [][]byte{[]byte("ab")}}}
	require.NoError(t, s.Send(&oippb.ModelInferRequest{ModelName: tiny.Decoder, Inputs: []*input{prompt}}))
	m, err = s.Recv()
	require.NoError(t, err)
	out := said(t, m)
	require.Len(t, out, 1)
	require.Contains(t, out["text_output BYTES"], "ab\uFFFD")
}

func TestGenerateErrors(t *testing.T) {
	c, _ := writer(t, nil)
	check := func(change func(r *oippb.ModelInferRequest), want codes.Code, message string) {
		t.Helper()
		s, err := c.ModelStreamInfer(context.Background())
		require.NoError(t, err)
		require.NoError(t, s.Send(wanted(t, change)))
		_, err = s.Recv()
		code(t, err, want, message)
	}
	check(func(r *oippb.ModelInferRequest) { r.ModelName = "x" }, codes.NotFound, "unknown model")
	check(func(r *oippb.ModelInferRequest) { r.ModelVersion = "2" }, codes.NotFound, "unknown version")
	check(set("sampling_parameters", "\x01\x00\x00\x00{"), codes.InvalidArgument, "parse the sampling parameters")
	check(set("sampling_parameters", "\x11\x00\x00\x00{\"temperature\":1}"), codes.InvalidArgument, "only greedy")
	check(set("sampling_parameters", "\x11\x00\x00\x00{\"max_tokens\":47}"), codes.InvalidArgument, "2 tokens of the prompt and 47 of max_tokens")
	check(set("text_input", "\x01\x00\x00\x00\xff"), codes.InvalidArgument, "not UTF-8")
	check(set("text_input", "\x01\x00"), codes.InvalidArgument, `input "text_input"`)
	check(set("stream", "\x01\x01"), codes.InvalidArgument, "2 elements, not 1")
	check(set("exclude_input_in_output", "\x00"), codes.InvalidArgument, "cannot be false where stream is true")
	check(func(r *oippb.ModelInferRequest) { r.Inputs[0].Name = "prompt" }, codes.InvalidArgument, "no such input")
	check(func(r *oippb.ModelInferRequest) { r.Inputs[0].Datatype = "FP32" }, codes.InvalidArgument, "not BYTES")
	check(func(r *oippb.ModelInferRequest) { r.Inputs[2].Datatype = "BYTES" }, codes.InvalidArgument, "not BOOL")
	check(func(r *oippb.ModelInferRequest) { r.Inputs[0].Shape = []int64{2} }, codes.InvalidArgument, `input "text_input"`)
	check(func(r *oippb.ModelInferRequest) { r.RawInputContents = r.RawInputContents[1:] }, codes.InvalidArgument, "raw_input_contents")
	check(func(r *oippb.ModelInferRequest) {
		r.Inputs, r.RawInputContents = r.Inputs[1:], r.RawInputContents[1:]
	}, codes.InvalidArgument, `needs an input "text_input"`)
	_, err := c.ModelInfer(context.Background(), wanted(t, nil))
	code(t, err, codes.InvalidArgument, "ask it by ModelStreamInfer")
	about, err := c.ModelMetadata(context.Background(), &oippb.ModelMetadataRequest{Name: tiny.Decoder})
	require.NoError(t, err)
	require.Equal(t, "BOOL", about.Inputs[2].Datatype)
	require.Equal(t, "num_output_tokens", about.Outputs[3].Name)
}

func TestAFullQueueAndAFailureAfterText(t *testing.T) {
	pace := make(chan error)
	c, _ := writer(t, pace)
	s, err := c.ModelStreamInfer(context.Background())
	require.NoError(t, err)
	require.NoError(t, s.Send(wanted(t, nil)))
	pace <- nil
	_, err = s.Recv()
	require.NoError(t, err)
	other, err := c.ModelStreamInfer(context.Background())
	require.NoError(t, err)
	require.NoError(t, other.Send(wanted(t, nil)))
	_, err = other.Recv()
	code(t, err, codes.ResourceExhausted, "is full")
	pace <- errors.New("out of memory")
	m, err := s.Recv()
	require.NoError(t, err)
	require.Equal(t, "out of memory", m.ErrorMessage)
	require.NoError(t, s.Send(wanted(t, nil)), "the stream goes on")
	pace <- nil
	m, err = s.Recv()
	require.NoError(t, err)
	require.Empty(t, m.ErrorMessage)
	pace <- nil
	pace <- nil
}

func TestACallThatIsCancelledStops(t *testing.T) {
	pace := make(chan error)
	c, met := writer(t, pace)
	ctx, leave := context.WithCancel(context.Background())
	s, err := c.ModelStreamInfer(ctx)
	require.NoError(t, err)
	long := set("sampling_parameters", "\x11\x00\x00\x00{\"max_tokens\":46}")
	require.NoError(t, s.Send(wanted(t, long)))
	pace <- nil
	_, err = s.Recv()
	require.NoError(t, err)
	leave()
	require.Eventually(t, func() bool {
		select {
		case pace <- nil: // until the server has noticed
		default:
		}
		page := httptest.NewRecorder()
		met.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
		return strings.Contains(page.Body.String(), `stackbench_requests_total{code="499",model="tiny-decoder"} 1`)
	}, 10*time.Second, time.Millisecond)
}
