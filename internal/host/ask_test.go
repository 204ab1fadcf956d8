package host

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// TestAServerThatIsNotUpYet: where it tells, it is asked before its first answer is waited for.
func TestAServerThatIsNotUpYet(t *testing.T) {
	page := `[{"workers":[]}]`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/models/resnet50" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(page))
	}))
	defer s.Close()
	at := stack.Endpoint{REST: s.Listener.Addr().String()}
	ready := stack.Ready{Path: "/models/{model}", Field: "workers.status", Value: "READY", What: "its worker"}
	require.ErrorContains(t, AskReady(t.Context(), ready, at, "resnet50"), "/models/resnet50: its worker is not ready (status none)")
	require.ErrorContains(t, AskReady(t.Context(), ready, at, "nope"), "status 404")
	page = `[{"workers":[{"status":"UNLOADING"},{"status":"READY"}]}]`
	require.NoError(t, AskReady(t.Context(), ready, at, "resnet50"))
	require.NoError(t, AskReady(t.Context(), ready, stack.Endpoint{GRPC: "127.0.0.1:1"}, "resnet50"), "nobody can be asked")
	require.NoError(t, AskReady(t.Context(), stack.Ready{}, at, "nope"), "a stack that tells nothing is not asked")
}
