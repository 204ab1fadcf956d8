package runner

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/plan"
)

// TestWaitingIsHeard: of all that a process says, only why it stands still
// reaches the terminal while it does.
func TestWaitingIsHeard(t *testing.T) {
	var b strings.Builder
	w := hear(NewProgress(&b, nil, time.Now))
	for _, part := range []string{"# invalid X: it was", " late\n# waiting: 41 % of core 1 is some", "body else's: 4711 cc1\n", "waiting: no note\n# not quiet after 30s: the window stays as it is\n# wai"} {
		n, err := w.Write([]byte(part))
		require.NoError(t, err)
		require.Equal(t, len(part), n)
	}
	require.Equal(t, "        waiting: 41 % of core 1 is somebody else's: 4711 cc1\n        not quiet after 30s: the window stays as it is\n", b.String())
	_, err := hear(deaf{}).Write([]byte("# waiting: x\n"))
	require.NoError(t, err)
}

type deaf struct{}

func (deaf) Live(Job, plan.Live) {}
func (deaf) Window(Job, Line)    {}
func (deaf) Job(Job, error)      {}
