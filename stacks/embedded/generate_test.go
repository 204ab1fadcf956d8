package embedded_test

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
	"stackbench/internal/wire/openai"
	"stackbench/internal/wire/wsgen"
	"stackbench/stacks/embedded/internal/app"
	"stackbench/stacks/embedded/internal/tiny"
)

// server is a server in this process, on the tiny decoder.
type server struct{ rest, grpc string }

func start(t *testing.T, args ...string) server {
	t.Helper()
	read, write := io.Pipe()
	exit := make(chan int, 1)
	args = append(args, "--models", tiny.Store(t), "--model", tiny.Decoder, "--rest", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
	go func() {
		exit <- app.Main(args, io.Discard, write)
		write.Close()
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	require.NoError(t, err)
	found := regexp.MustCompile(`^ready: .*, HTTP at (\S+), gRPC at (\S+)\n$`).FindStringSubmatch(line)
	require.NotNil(t, found, line)
	t.Cleanup(func() {
		require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
		require.Equal(t, 0, <-exit)
	})
	return server{found[1], found[2]}
}

// answer is what one of the repo's own clients makes of a text.
type answer struct {
	generation.Text
	tokens int // counted while it came
}

// generated asks over each transport with the client that measures stacks.
func (s server) generated(t *testing.T, p generation.Prompt) map[string]answer {
	t.Helper()
	all := map[string]answer{}
	take := func(name string, r record.Reply, decode func(record.Answer) (generation.Text, error)) {
		require.Equal(t, record.Good, r.Outcome, "%s: %v", name, r.Err)
		text, err := decode(record.Answer{Body: r.Body})
		require.NoError(t, err, name)
		all[name] = answer{text, r.Output.Tokens}
	}
	for _, d := range []openai.Delivery{openai.Whole, openai.Stream, openai.Counted} {
		request, err := openai.EncodeCompletion(p, d)
		require.NoError(t, err)
		heard, decode := openai.WholeEvents(), openai.DecodeText
		if d != openai.Whole {
			heard, decode = openai.CompletionEvents(), openai.DecodeStream
		}
		target, err := http1.NewStreamingTarget(s.rest, []http1.Request{request}, heard)
		require.NoError(t, err)
		conn, err := target.Dial(t.Context())
		require.NoError(t, err)
		take(string(d), conn.Do(t.Context(), 0), decode)
		conn.Close()
	}
	message, err := wsgen.Encode(p)
	require.NoError(t, err)
	socket, err := wsgen.NewTarget(s.rest, [][]byte{message})
	require.NoError(t, err)
	talk, err := socket.Dial(t.Context())
	require.NoError(t, err)
	take("socket", talk.Do(t.Context(), 0), wsgen.Decode)
	talk.Close()
	request, err := oip.EncodeGenerate(p)
	require.NoError(t, err)
	calls, err := oip.NewGenerateTarget(s.grpc, [][]byte{request})
	require.NoError(t, err)
	call, err := calls.Dial(t.Context())
	require.NoError(t, err)
	take("grpc", call.Do(t.Context(), 0), oip.DecodeText)
	calls.Close()
	return all
}

// requireAll wants the same text over every transport, a chunk a token where it
// comes in chunks.
func requireAll(t *testing.T, got map[string]answer, text string, tokens, prompt, chunks int) {
	t.Helper()
	require.Len(t, got, 5)
	for name, a := range got {
		want := generation.Text{Text: text, Tokens: tokens, Prompt: prompt, Finish: "length", Chunks: chunks}
		if name == string(openai.Whole) {
			want.Chunks = 0
		}
		require.Equal(t, answer{want, tokens}, a, name)
	}
}

func TestNullGeneratesOverAllTransports(t *testing.T) {
	s := start(t, "--null")
	got := s.generated(t, generation.Prompt{Model: tiny.Decoder, Text: "bc", Tokens: 5, Exact: true})
	requireAll(t, got, " null null null null null", 5, 1, 5)
}

func TestGeneratesWithONNXRuntimeOverAllTransports(t *testing.T) {
	library, err := tiny.Library()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip(err)
	}
	require.NoError(t, err)
	s := start(t, "--ort-lib", library)
	got := s.generated(t, generation.Prompt{Model: tiny.Decoder, Text: "a", Tokens: 22, Exact: true})
	requireAll(t, got, "bbbbbbbbbbbbbbbbcccdé", 22, 1, 21) // as tiny.Greedy computes it; half an é is a token without text
}
