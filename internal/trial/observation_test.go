package trial

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/fake"
	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/stack"
	"stackbench/internal/telemetry"
	"stackbench/internal/usage"
)

// steps is a source whose CPU time and memory grow with every reading.
type steps struct{ n atomic.Int64 }

func (s *steps) Read() (usage.Sample, error) {
	n := s.n.Add(1)
	return usage.Sample{At: time.Unix(n, 0), CPU: time.Duration(n) * time.Second, Memory: n * 1000}, nil
}

func watched(rest string) *observation {
	return &observation{source: telemetry.Source{Kind: stack.OwnMetrics, At: stack.Endpoint{REST: rest}, Model: "m"}, server: &host.Server{Endpoint: stack.Endpoint{REST: rest}, Boot: &boot.Server{}, Cores: []int{0, 1}, ClientCores: 3}}
}

// TestWatchReadsTheEdgesOfTheWindow: two images an execution, by the server's
// own counters, in each of two windows.
func TestWatchReadsTheEdgesOfTheWindow(t *testing.T) {
	var page atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := page.Add(1) - 1
		fmt.Fprintf(w, "# TYPE stackbench_batch_size histogram\nstackbench_batch_size_bucket{model=\"m\",le=\"2\"} %d\nstackbench_batch_size_bucket{model=\"m\",le=\"+Inf\"} %d\nstackbench_batch_size_sum{model=\"m\"} %d\nstackbench_batch_size_count{model=\"m\"} %d\n", 10*n, 10*n, 20*n, 10*n)
	}))
	defer s.Close()
	w := watched(strings.TrimPrefix(s.URL, "http://"))
	source := &steps{}
	w.server.Usage = source
	for range 2 {
		marks := w.marks(context.Background())
		marks.Open()
		marks.Close()
	}
	require.NoError(t, w.problem)
	require.InDelta(t, 20, w.evidence.Telemetry.Executions.Runs, 0)
	require.InDelta(t, 40, w.evidence.Telemetry.Executions.Items, 0)
	require.InDelta(t, 2, w.evidence.Stack.Cores, 0)
	require.Positive(t, w.evidence.Stack.CPU)
	require.EqualValues(t, source.n.Load()*1000, w.evidence.Stack.Peak, "the peak of both windows")
	require.InDelta(t, 3, w.evidence.Client.Cores, 0)
	require.Nil(t, w.evidence.GPU)
}

// TestWhatAStackDoesNotTellIsBlank: no page, nonsense, or no server at all are
// no error, and give no figure.
func TestWhatAStackDoesNotTellIsBlank(t *testing.T) {
	pages := map[string]fake.Script{
		"no such page":   {Status: 404},
		"nonsense":       {Body: []byte("<html>it works!</html>")},
		"another model":  {Body: []byte("# TYPE stackbench_batch_size histogram\nstackbench_batch_size_sum{model=\"x\"} 1\nstackbench_batch_size_count{model=\"x\"} 1\n")},
		"half an answer": {Body: []byte("stackbench_requests_total 1\n"), Fault: fake.Fault{Kind: fake.Half}},
	}
	for name, script := range pages {
		s, err := fake.HTTP(script)
		require.NoError(t, err)
		w := watched(s.Addr())
		w.open(context.Background())
		w.shut(context.Background())
		require.NoError(t, s.Close())
		require.NoError(t, w.problem, name)
		if e := w.evidence.Telemetry.Executions; e != nil {
			require.Zero(t, *e, name)
		}
		require.Nil(t, w.evidence.Stack, name)
		require.Empty(t, host.RuntimeOf(context.Background(), stack.Version{Path: "/version", Text: "vllm {version}"}, stack.Endpoint{REST: s.Addr()}), name)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	for _, addr := range []string{l.Addr().String(), ""} {
		w := watched(addr)
		w.open(context.Background())
		w.shut(context.Background())
		require.Equal(t, meter.Telemetry{}, w.evidence.Telemetry)
	}
}

func TestRuntimeAsTheServerSaysIt(t *testing.T) {
	ours := stack.Version{Path: "/healthz", Text: "{runtime}"}
	s, err := fake.HTTP(fake.Script{Body: []byte(`{"status":"ok","runtime":"onnxruntime 1.32.0"}`)})
	require.NoError(t, err)
	require.Equal(t, "onnxruntime 1.32.0", host.RuntimeOf(context.Background(), ours, stack.Endpoint{REST: s.Addr()}))
	require.Empty(t, host.RuntimeOf(context.Background(), stack.Version{}, stack.Endpoint{REST: s.Addr()}), "a stack that tells none is not asked")
	require.NoError(t, s.Close())
	require.Empty(t, host.RuntimeOf(context.Background(), ours, stack.Endpoint{}))
}

// TestEngineAsTheServerSaysIt: the page is asked for where the stack's value says.
func TestEngineAsTheServerSaysIt(t *testing.T) {
	tei := "text-embeddings-inference {version}, at most {max_batch_requests} texts an execution"
	for want, c := range map[string]struct{ path, text, body string }{
		"text-embeddings-inference 1.9.3, at most 8 texts an execution": {"/info", tei, `{"version":"1.9.3","max_batch_requests":8}`},
		"text-generation-inference 3.3.4":                               {"/info", "text-generation-inference {version}", `{"version":"3.3.4","router":"text-generation-router"}`},
		"vllm 0.32.0":                                                   {"/version", "vllm {version}", `{"version":"0.32.0"}`},
		"":                                                              {"/version", "vllm {version}", `{"version":""}`},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != c.path {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			_, _ = w.Write([]byte(c.body))
		}))
		require.Equal(t, want, host.RuntimeOf(t.Context(), stack.Version{Path: c.path, Text: c.text}, stack.Endpoint{REST: s.Listener.Addr().String()}))
		s.Close()
	}
}

// TestAQuotaLimitsWhatIsCalledBusy: of half a core, half a core's time is all.
func TestAQuotaLimitsWhatIsCalledBusy(t *testing.T) {
	w := watched("127.0.0.1:1")
	w.server.Quota, w.server.ClientCores, w.server.Usage = 0.6, 0.6, &steps{}
	w.open(context.Background())
	w.shut(context.Background())
	require.InDelta(t, 0.6, w.evidence.Stack.Cores, 1e-9)
	require.InDelta(t, 0.6, w.evidence.Client.Cores, 1e-9)
}
