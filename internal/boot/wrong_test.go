package boot

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// TestWrongAnswersAreNotWaitedFor: a server that answers wrongly will not come
// to answer rightly.
func TestWrongAnswersAreNotWaitedFor(t *testing.T) {
	wrong := func(context.Context, stack.Endpoint) error {
		return &Wrong{errors.New("the answer is wrong: it is empty\nmore")}
	}
	s := processSpec(t, "ok")
	s.Stack.Process.StartLimit = time.Hour
	s.Ready = wrong
	_, err := Start(t.Context(), s)
	f := failure(t, err)
	require.Equal(t, "start helper: it answers, but the answer is wrong: it is empty", f.What)
	require.Contains(t, f.Cure, "check that it serves this model")

	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		p := plan{launcher: Attach, endpoint: stack.Endpoint{REST: "triton.example:8000"}}
		p.Stack.Name, p.Ready = "triton", wrong
		_, err := p.attach(t.Context())
		require.Equal(t, "attach triton: triton.example:8000 answers, but the answer is wrong: it is empty", failure(t, err).What)
		require.Equal(t, 5*time.Millisecond, time.Since(started), "it was asked twice")
	})

	synctest.Test(t, func(t *testing.T) { // the last word of a server that ends
		ended := make(chan struct{})
		attempts := 0
		err := await(t.Context(), time.Hour, ended, func(context.Context) error {
			if attempts++; attempts == 1 {
				time.AfterFunc(time.Second, func() { close(ended) })
				return &Wrong{errors.New("half an answer")}
			}
			return errors.New("connection refused")
		})
		require.ErrorIs(t, err, errEnded)
	})
}
