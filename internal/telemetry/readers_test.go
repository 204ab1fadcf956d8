package telemetry

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// crowdTold is the crowd of a server whose pages all are this one.
func crowdTold(t *testing.T, kind stack.Telemetry, page string) (Gauges, error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) }))
	defer s.Close()
	return Source{Kind: kind, At: stack.Endpoint{REST: strings.TrimPrefix(s.URL, "http://")}}.Gauges(t.Context())
}

func TestEveryFormIsReadOnce(t *testing.T) {
	seen := map[stack.Telemetry]bool{}
	for _, r := range readers() {
		require.False(t, seen[r.kind], "two readers of %s", r.kind)
		seen[r.kind] = true
		require.True(t, HasReader(r.kind), "the reader of %s reads nothing", r.kind)
	}
}

// TestWhatNothingReadsIsNamed: a form that is not known is no silent server.
func TestWhatNothingReadsIsNamed(t *testing.T) {
	unknown := Source{Kind: "smoke-signals", At: stack.Endpoint{REST: "127.0.0.1:1"}}
	require.False(t, HasReader(unknown.Kind))
	_, err := unknown.Read(t.Context())
	require.ErrorContains(t, err, `nothing reads the telemetry "smoke-signals"`)
	require.NotErrorIs(t, err, ErrSilent)
	_, err = unknown.Gauges(t.Context())
	require.ErrorContains(t, err, `nothing reads the telemetry "smoke-signals"`)
	require.Zero(t, unknown.Most(t.Context()))

	require.False(t, HasReader(stack.Silent))
	_, err = Source{}.Read(t.Context())
	require.ErrorIs(t, err, ErrSilent)
	_, err = Source{}.Gauges(t.Context())
	require.ErrorIs(t, err, ErrSilent)
}
