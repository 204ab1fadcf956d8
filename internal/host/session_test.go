package host

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

func textCase() suite.Case {
	return suite.Case{Task: stack.Embeddings, Model: minilm, Proto: stack.REST, Input: stack.Text, Batch: 1, Load: suite.Closed(1)}
}

// asked is a host that starts processes.
func asked(t *testing.T, stacks ...stack.Stack) *Host {
	t.Helper()
	t.Setenv("STACKBENCH_CACHE", t.TempDir())
	h, err := Survey(suite.Options{Start: suite.Start{Device: "cpu", Launcher: "process"}, Stacks: stacks})
	require.NoError(t, err)
	return h
}

// session is stopped when the test ends. Its server is ready when it answers a request.
func session(t *testing.T, h *Host, s stack.Stack) *Session {
	t.Helper()
	ses := &Session{Host: h, Stack: s, Model: stack.Model{Name: minilm}, Ready: answers}
	t.Cleanup(func() { require.NoError(t, ses.Stop(context.Background())) })
	return ses
}

func answers(ctx context.Context, _ suite.Case, _ stack.Capability, at stack.Endpoint) error {
	ask, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+at.REST+"/v1/embeddings", strings.NewReader(`{"input":["a"]}`))
	if err != nil {
		return err
	}
	got, err := http.DefaultClient.Do(ask)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if body, err := io.ReadAll(got.Body); err != nil || len(body) == 0 {
		return errors.Join(errors.New("no answer"), err)
	}
	return nil
}

// TestAServersQuotaIsItsOwn: a process has the client's, a container one of its own.
func TestAServersQuotaIsItsOwn(t *testing.T) {
	h := asked(t)
	h.quota = 1.5
	ses := session(t, h, fakestack.New(t, "fake", "right"))
	up, err := ses.Server(context.Background(), textCase(), ses.Stack.Serves[0], false)
	require.NoError(t, err)
	require.InDelta(t, 1.5, up.Quota, 1e-9, "a process is in the control group of the client")
	require.LessOrEqual(t, up.Limited(), float64(len(up.Cores)))
	require.Less(t, up.Boot.ReadyIn, time.Minute)
}

func TestFirstFailureIsRemembered(t *testing.T) {
	h := asked(t)
	ses := session(t, h, fakestack.New(t, "fake", "dies=0"))
	c := textCase()
	_, first := ses.Server(context.Background(), c, ses.Stack.Serves[0], false)
	require.Error(t, first)
	ses.Stack = fakestack.New(t, "fake", "right")
	_, second := ses.Server(context.Background(), c, ses.Stack.Serves[0], false)
	require.Equal(t, first, second)

	gone, cancel := context.WithCancel(context.Background())
	cancel()
	fresh := session(t, h, ses.Stack)
	_, err := fresh.Server(gone, c, ses.Stack.Serves[0], false)
	require.Error(t, err)
	_, err = fresh.Server(context.Background(), c, ses.Stack.Serves[0], false)
	require.NoError(t, err, "an interruption is not the stack's failure")
}
