package oip

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"stackbench/internal/load"
	"stackbench/internal/oippb"
	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/grpcraw"
)

// The engine drives these connections without either package knowing the other.
var _ load.Conn = (*grpcraw.EventConn)(nil)

var prompt = generation.Prompt{Model: "gpt2", Text: "a", Tokens: 3, Exact: true, Seed: 7}

func TestEncodeGenerate(t *testing.T) {
	b, err := EncodeGenerate(prompt)
	require.NoError(t, err)
	var m oippb.ModelInferRequest
	require.NoError(t, proto.Unmarshal(b, &m))
	require.Equal(t, "gpt2", m.ModelName)
	got := map[string]string{}
	for i, in := range m.Inputs {
		raw := m.RawInputContents[i]
		if in.Datatype == BYTES {
			raw = raw[4:]
		}
		got[in.Name] = string(raw)
		require.Equal(t, []int64{1}, in.Shape)
	}
	require.Equal(t, map[string]string{
		"text_input": "a", "sampling_parameters": `{"temperature":0,"max_tokens":3,"min_tokens":3,"ignore_eos":true,"seed":7}`,
		"stream": "\x01", "exclude_input_in_output": "\x01", "return_finish_reason": "\x01", "return_num_input_tokens": "\x01", "return_num_output_tokens": "\x01",
	}, got)
	_, err = EncodeGenerate(generation.Prompt{Model: "m", Tokens: 1})
	require.ErrorContains(t, err, "the prompt is empty")
	_, err = EncodeGenerate(generation.Prompt{Text: "a", Tokens: 1})
	require.Error(t, err)
}

// chunk is a message as Triton's vLLM backend sends it.
func chunk(text string, tokens uint32, finish string) *oippb.ModelStreamInferResponse {
	out := func(name, datatype string) *oippb.ModelInferResponse_InferOutputTensor {
		return &oippb.ModelInferResponse_InferOutputTensor{Name: name, Datatype: datatype, Shape: []int64{1}}
	}
	element := func(s string) []byte { return append(binary.LittleEndian.AppendUint32(nil, uint32(len(s))), s...) }
	return &oippb.ModelStreamInferResponse{InferResponse: &oippb.ModelInferResponse{
		ModelName:         "gpt2",
		Outputs:           []*oippb.ModelInferResponse_InferOutputTensor{out(textOutput, BYTES), out(finishReason, BYTES), out(promptTokens, "UINT32"), out(outputTokens, "UINT32")},
		RawOutputContents: [][]byte{element(text), element(finish), binary.LittleEndian.AppendUint32(nil, 2), binary.LittleEndian.AppendUint32(nil, tokens)},
	}}
}

// talker answers each call by messages, then by an end.
type talker struct {
	oippb.UnimplementedGRPCInferenceServiceServer
	messages []*oippb.ModelStreamInferResponse
	end      error
	hangs    bool
}

func (s *talker) ModelStreamInfer(calls grpc.BidiStreamingServer[oippb.ModelInferRequest, oippb.ModelStreamInferResponse]) error {
	if _, err := calls.Recv(); err != nil {
		return err
	}
	if _, err := calls.Recv(); err != io.EOF {
		return status.Error(codes.InvalidArgument, "one request a call")
	}
	for _, m := range s.messages {
		if err := calls.Send(m); err != nil {
			return err
		}
	}
	if s.hangs {
		<-calls.Context().Done()
	}
	return s.end
}

// start runs the server, and returns a connection that is silent after a limit.
func start(t *testing.T, s *talker, silence time.Duration) (*grpcraw.EventConn, func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := grpc.NewServer()
	oippb.RegisterGRPCInferenceServiceServer(g, s)
	go g.Serve(l)
	t.Cleanup(g.Stop)
	b, err := EncodeGenerate(prompt)
	require.NoError(t, err)
	target, err := NewGenerateTarget(l.Addr().String(), [][]byte{b})
	if silence != 0 {
		h := grpcraw.Streaming{Listen: func() grpcraw.EventHandler { return &tokens{} }, Silence: silence}
		target, err = grpcraw.NewEventTarget(l.Addr().String(), oippb.GRPCInferenceService_ModelStreamInfer_FullMethodName, [][]byte{b}, h)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, target.Close()) })
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	return c, g.Stop
}

func TestStreamOfMessages(t *testing.T) {
	c, _ := start(t, &talker{messages: []*oippb.ModelStreamInferResponse{chunk("", 1, "None"), chunk(" é", 1, "None"), chunk(" bc", 2, "length"), {InferResponse: &oippb.ModelInferResponse{}}}}, 0)
	for seq := range 3 {
		r := c.Do(t.Context(), seq)
		require.NoError(t, r.Err)
		require.Equal(t, record.Good, r.Outcome)
		require.Len(t, r.Output.Chunks, 2)
		require.Equal(t, 4, r.Output.Tokens)
		require.Equal(t, 2, r.Output.Opened)
		require.False(t, r.First.Before(r.Sent) || r.Last.Before(r.First) || r.Done.Before(r.Last))
		text, err := DecodeText(record.Answer{Body: r.Body})
		require.NoError(t, err)
		require.Equal(t, generation.Text{Text: " é bc", Tokens: 4, Prompt: 2, Finish: "length", Chunks: 2}, text)
	}
	require.NoError(t, c.Close())
}

func TestFailedStreams(t *testing.T) {
	first := chunk(" a", 1, "None")
	refusal := &oippb.ModelStreamInferResponse{ErrorMessage: "prompt over the context"}
	for name, c := range map[string]struct {
		server talker
		kind   string
		text   string
	}{
		"an error message":        {talker{messages: []*oippb.ModelStreamInferResponse{first, refusal}}, "error-event", "prompt over the context"},
		"an error message alone":  {talker{messages: []*oippb.ModelStreamInferResponse{refusal}}, "error-event", "prompt over the context"},
		"overload":                {talker{end: status.Error(codes.ResourceExhausted, "queue full")}, "status 8", "queue full"},
		"an unknown model":        {talker{end: status.Error(codes.NotFound, "no such model")}, "status 5", "no such model"},
		"given up":                {talker{messages: []*oippb.ModelStreamInferResponse{first, chunk("", 0, "abort")}}, "error-event", "reports an error"},
		"no end":                  {talker{messages: []*oippb.ModelStreamInferResponse{first}}, "cut", "before its last event"},
		"no message":              {talker{}, "malformed", "no stream of events"},
		"no text":                 {talker{messages: []*oippb.ModelStreamInferResponse{chunk("", 1, "stop")}}, "malformed", "no text"},
		"silent":                  {talker{messages: []*oippb.ModelStreamInferResponse{first}, hangs: true}, "silent", "nothing came for 500ms"},
		"silent before a message": {talker{hangs: true}, "silent", "nothing came for 500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, _ := start(t, &c.server, 500*time.Millisecond)
			r := conn.Do(t.Context(), 0)
			require.Equal(t, c.kind, record.Record{Outcome: r.Outcome, Code: r.Code}.Kind(), "%v", r.Err)
			require.ErrorContains(t, r.Err, c.text)
			require.Len(t, r.Output.Chunks, len(c.server.messages)-boolInt(c.kind == "error-event")-boolInt(name == "no text"))
		})
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestStreamsThatAreEnded(t *testing.T) {
	c, stop := start(t, &talker{messages: []*oippb.ModelStreamInferResponse{chunk(" a", 1, "None")}, hangs: true}, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.Equal(t, record.Timeout, c.Do(ctx, 0).Outcome)
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	require.Equal(t, record.Cancelled, c.Do(ctx, 0).Outcome)
	time.AfterFunc(100*time.Millisecond, stop)
	r := c.Do(t.Context(), 0)
	require.Equal(t, record.Cut, r.Outcome, "%v", r.Err)
}

func TestWhatIsNoText(t *testing.T) {
	framed := func(messages ...[]byte) record.Answer {
		var body []byte
		for _, m := range messages {
			body = append(binary.BigEndian.AppendUint32(body, uint32(len(m))), m...)
		}
		return record.Answer{Body: body}
	}
	wire := func(m *oippb.ModelStreamInferResponse) []byte {
		b, err := proto.Marshal(m)
		require.NoError(t, err)
		return b
	}
	typed := chunk("a", 1, "stop")
	typed.InferResponse.RawOutputContents = nil
	short := chunk("a", 1, "stop")
	short.InferResponse.RawOutputContents[0] = []byte{1}
	for want, a := range map[string]record.Answer{
		"there is no finish_reason":        framed(wire(chunk("a", 1, "None"))),
		"the messages are cut short":       {Body: []byte{0, 0, 0, 9, 1}},
		"not a ModelStreamInferResponse":   framed([]byte("<html>")),
		`the server says "full"`:           framed(wire(&oippb.ModelStreamInferResponse{ErrorMessage: "full"})),
		"0 raw contents for 4 outputs":     framed(wire(typed)),
		`output "text_output" has 1 bytes`: framed(wire(short)),
	} {
		_, err := DecodeText(a)
		require.ErrorContains(t, err, want)
	}
}

// What mark finds in a message's bytes is what unmarshalling it finds.
func FuzzMarkMessage(f *testing.F) {
	f.Add("a", uint32(1), "None", "")
	f.Add("", uint32(0), "length", "full")
	f.Fuzz(func(t *testing.T, text string, n uint32, finish, fault string) {
		m := chunk(text, n, finish)
		m.ErrorMessage = fault
		b, err := proto.Marshal(m)
		if err != nil {
			t.Skip() // a string that is no UTF-8
		}
		got, said := mark(b)
		require.Equal(t, text != "", got.Content)
		require.Equal(t, int(n), got.Tokens)
		require.Equal(t, finish != "" && finish != "None", got.End)
		require.Equal(t, fault != "", got.Fault)
		require.Equal(t, fault, string(said))
	})
}

func FuzzDecodeMessages(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 0x0a, 0})
	b, err := proto.Marshal(chunk("a", 1, "stop"))
	require.NoError(f, err)
	f.Add(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	f.Fuzz(func(t *testing.T, body []byte) {
		mark(body)
		text, err := DecodeText(record.Answer{Body: body})
		if err == nil {
			require.NotEmpty(t, text.Finish)
		}
	})
}
