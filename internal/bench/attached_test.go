package bench

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/results"
	"stackbench/internal/stack"
)

// What a batcher fills is held against what its server takes, where that is less.
func TestJoined(t *testing.T) {
	require.Equal(t, 4, joined(32, 4))
	require.Equal(t, 2, joined(2, 4))
	require.Equal(t, 32, joined(32, 0), "it does not tell")
	require.Equal(t, 0, joined(0, 4), "nothing was asked")
}

func TestAnAttachedServerIsRecordedAsUnknown(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	model := &reference{prepared: &prepared{served: served{Source: "package", SHA256: "abc"}}}
	l := leaf{session: &subject{model: model}}
	s := &server{
		boot: &boot.Server{Launcher: boot.Attach}, cores: cpuset.Set{1}, threads: 1,
		endpoint: stack.Endpoint{REST: strings.TrimPrefix(web.URL, "http://")},
	}
	require.Equal(t, results.Server{Launcher: "attach", Source: "unknown"}, l.facts(t.Context(), s))
	s.boot.Launcher = boot.Process
	require.Equal(t, results.Server{Launcher: "process", Threads: 1, Cores: "1", Source: "package", SHA256: "abc"}, l.facts(t.Context(), s))
}

func TestACaseWithoutItsAddressIsSkippedInWords(t *testing.T) {
	s := stack.Stack{Name: "both", Serves: []stack.Capability{
		{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text}, {Task: stack.Embeddings, Proto: stack.GRPC, Input: stack.Text},
	}}
	c := Case{Task: stack.Embeddings, Model: minilm, Proto: stack.GRPC, Input: stack.Text, Batch: 1}
	var e environment
	_, err := e.capability(s, c)
	require.NoError(t, err)
	t.Setenv("STACKBENCH_ATTACH_BOTH", "http://127.0.0.1:1")
	_, err = e.capability(s, c)
	require.EqualError(t, err, "the server is attached without a grpc= address")
	c.Proto = stack.REST
	_, err = e.capability(s, c)
	require.NoError(t, err)
	t.Setenv("STACKBENCH_ATTACH_BOTH", "grpc=127.0.0.1:1")
	_, err = e.capability(s, c)
	require.EqualError(t, err, "the server is attached without a rest= address")
}
