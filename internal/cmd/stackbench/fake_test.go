package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Without a command the fixture is served until the run is ended.
func TestFakeServesUntilItIsEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	ended := make(chan error)
	go func() {
		ended <- fakeServer(ctx, []string{"--script", "../../../testdata/conformance/status-429.txtar"}, in, io.Discard)
	}()
	var said []string
	for lines := bufio.NewScanner(out); len(said) < 5 && lines.Scan(); {
		said = append(said, lines.Text())
	}
	require.Equal(t, "A server at its limit refuses before it streams.", said[1])
	require.Equal(t, "  verdict: status 429", said[3])
	_, rest, _ := strings.Cut(said[2], "serving at ")
	url, _, _ := strings.Cut(rest, ";")
	answer, err := http.Get(url)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	cancel()
	require.NoError(t, <-ended)
}
