package trial

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/task"
)

func TestAnAttachedServerIsRecordedAsUnknown(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	model := &golden.Model{Served: task.Served{Source: "package", SHA256: "abc"}}
	l := Leaf{Subject: &Subject{Session: &host.Session{}, model: model}}
	s := &host.Server{
		Boot: &boot.Server{Launcher: boot.Attach}, Cores: cpuset.Set{1}, Threads: 1,
		Endpoint: stack.Endpoint{REST: strings.TrimPrefix(web.URL, "http://")},
	}
	require.Equal(t, results.Server{Launcher: "attach", Source: "unknown"}, l.facts(t.Context(), s))
	s.Boot.Launcher = boot.Process
	require.Equal(t, results.Server{Launcher: "process", Threads: 1, Cores: "1", Source: "package", SHA256: "abc"}, l.facts(t.Context(), s))
}
