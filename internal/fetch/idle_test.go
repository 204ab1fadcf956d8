package fetch_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fetch"
)

// silent answers every request with a body that never comes.
type silent struct{ asked int }

func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked++
	return &http.Response{StatusCode: http.StatusOK, Body: hung{r.Context()}, Request: r}, nil
}

type hung struct{ ctx context.Context }

func (h hung) Read([]byte) (int, error) {
	<-h.ctx.Done()
	return 0, h.ctx.Err()
}

func (h hung) Close() error { return nil }

var _ io.ReadCloser = hung{}

func TestFileGivesUpASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, start := new(silent), time.Now()
		g := fetch.Getter{HTTP: &http.Client{Transport: server}, Free: func(string) (int64, error) { return 1 << 40, nil }}
		err := g.File(t.Context(), fetch.Source{URL: "http://127.0.0.1/x"}, filepath.Join(t.TempDir(), "x"))
		require.EqualError(t, err, "download x: no byte came for 20s")
		require.Equal(t, 3, server.asked)
		require.Equal(t, time.Minute, time.Since(start))
	})
}
