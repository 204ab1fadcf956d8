package app_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	"stackbench/stacks/embedded/internal/app"
	"stackbench/stacks/embedded/internal/tiny"
)

// server is a server in this process, started by its command line.
type server struct {
	rest, grpc string
	exit       chan int
	log        *bufio.Reader
}

func start(t *testing.T, args ...string) *server {
	t.Helper()
	read, write := io.Pipe()
	s := &server{exit: make(chan int, 1), log: bufio.NewReader(read)}
	args = append(args, "--rest", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
	go func() {
		s.exit <- app.Main(args, io.Discard, write)
		write.Close()
	}()
	line, err := s.log.ReadString('\n')
	require.NoError(t, err)
	found := regexp.MustCompile(`^ready: .*, HTTP at (\S+), gRPC at (\S+)\n$`).FindStringSubmatch(line)
	require.NotNil(t, found, line)
	s.rest, s.grpc = found[1], found[2]
	return s
}

// stop sends the signal that every launcher sends, and checks a clean end.
func (s *server) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	rest, err := io.ReadAll(s.log)
	require.NoError(t, err)
	require.Empty(t, string(rest))
	require.Equal(t, 0, <-s.exit)
}

func (s *server) healthz(t *testing.T) string {
	t.Helper()
	reply, err := http.Get("http://" + s.rest + "/healthz")
	require.NoError(t, err)
	defer reply.Body.Close()
	require.Equal(t, http.StatusOK, reply.StatusCode)
	body, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	return string(body)
}

func TestNullServesWithoutWeights(t *testing.T) {
	s := start(t, "--models", tiny.Store(t), "--model", tiny.Image, "--null", "--threads", "3", "--max-batch", "8")
	defer s.stop(t)
	require.JSONEq(t, `{"status":"ok","model":"tiny-image","runtime":"null","device":"cpu","threads":3,"weights_sha256":"00","max_batch":8}`, s.healthz(t))
	reply, err := http.Post("http://"+s.rest+"/predict", "image/jpeg", strings.NewReader("any bytes"))
	require.NoError(t, err)
	defer reply.Body.Close()
	require.Equal(t, http.StatusOK, reply.StatusCode)
	conn, err := grpc.NewClient(s.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	health, err := grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, health.Status)
}

// A request whose second half comes after the signal is still answered.
func TestSIGTERMLetsRequestsFinish(t *testing.T) {
	s := start(t, "--models", tiny.Store(t), "--model", tiny.Text, "--null")
	conn, err := net.Dial("tcp", s.rest)
	require.NoError(t, err)
	defer conn.Close()
	body := `{"model":"tiny-text","input":"rain"}`
	_, err = io.WriteString(conn, "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n")
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n') // the handler reads the body: the request is under way
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 100 Continue\r\n", line)
	_, err = r.ReadString('\n')
	require.NoError(t, err)

	stopped := make(chan struct{})
	go func() { defer close(stopped); s.stop(t) }()
	for err == nil { // until the listener is closed
		var probe net.Conn
		if probe, err = net.Dial("tcp", s.rest); err == nil {
			probe.Close()
		}
	}
	_, err = io.WriteString(conn, body)
	require.NoError(t, err)
	reply, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, reply.StatusCode)
	reply.Body.Close()
	<-stopped
}

func TestServesAnotherPrecision(t *testing.T) {
	s := start(t, "--models", tiny.Parts(t), "--model", tiny.Variant, "--null", "--precision", "int8")
	defer s.stop(t)
	require.Contains(t, s.healthz(t), `"model":"tiny-variant"`)
}

// TestModelsThatItCannotServe: it says so, and what to do, with and without weights.
func TestModelsThatItCannotServe(t *testing.T) {
	for _, null := range []bool{true, false} {
		for want, args := range map[string][]string{
			`tiny-pair has no graph "model" in fp32`: {"--model", tiny.Pair},
			"tiny-variant has no graph in bf16":      {"--model", tiny.Variant, "--precision", "bf16"},
		} {
			args = append(args, "--models", tiny.Parts(t), "--rest", "127.0.0.1:0", "--ort-lib", "none.so")
			if null {
				args = append(args, "--null")
			}
			var log strings.Builder
			require.Equal(t, 1, app.Main(args, io.Discard, &log))
			require.Equal(t, "server: model store: "+want+"\nserve a model of one graph, in a precision that its model.json lists\n", log.String())
		}
	}
}

func TestServesWithONNXRuntime(t *testing.T) {
	library, err := tiny.Library()
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip(err)
	}
	require.NoError(t, err)
	s := start(t, "--models", tiny.Store(t), "--model", tiny.Text, "--ort-lib", library, "--max-batch", "4", "--max-delay", "1ms")
	defer s.stop(t)
	require.Contains(t, s.healthz(t), `"runtime":"onnxruntime 1.`)
	reply, err := http.Post("http://"+s.rest+"/v1/embeddings", "application/json", strings.NewReader(`{"model":"tiny-text","input":"a man"}`))
	require.NoError(t, err)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), `"embedding":[-0.56`) // as tiny.Graph computes it
}
