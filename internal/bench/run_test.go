package bench

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/boot"
	"stackbench/internal/fakestack"
	"stackbench/internal/results"
	"stackbench/internal/suite"
	"stackbench/internal/trial"
)

func TestRightAnswersAreMeasuredAndResumed(t *testing.T) {
	r, notes := testRun(t)
	r.Group.Null = fakestack.New(t, "null", "right")
	s := fakestack.New(t, "fake", "right")
	trials, failed := measured(context.Background(), t, r, s)
	require.False(t, failed, notes.String())
	require.Len(t, trials, 2)
	for _, one := range trials {
		require.Empty(t, one.Error)
		require.Positive(t, one.Answers.Checked)
		require.Equal(t, one.Answers.Checked, one.Answers.Agree)
		require.Equal(t, "cosine ≥0.99999, same length", one.Answers.Rule)
		require.Positive(t, one.Metrics["p50-ms"])
		require.Positive(t, one.Metrics["emb/s"])
		require.Equal(t, boot.Process, one.Server.Launcher)
		require.Equal(t, r.Golden.Models[minilm].SHA256, one.Server.SHA256)
	}
	require.Positive(t, trials[0].Floor.P50, "the first case with one item a request has a floor in quick")
	require.Nil(t, trials[1].Floor)

	kept, err := results.Open(r.log.Dir())
	require.NoError(t, err)
	r.done = kept.Done()
	dead := fakestack.New(t, "fake", "dies=0") // it would fail if it were started
	again, failed := measured(context.Background(), t, r, dead)
	require.False(t, failed)
	require.Equal(t, trials, again)
	r.set(func(o *suite.Options) { o.Record.Trial = 2 })
	require.False(t, r.done[results.Done{Name: trials[0].Name, Trial: 2}])
}

func TestNonsenseFromTheStartFailsEveryLeaf(t *testing.T) {
	r, _ := testRun(t)
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "nonsense=0"))
	require.True(t, failed)
	require.Len(t, trials, 2)
	for _, one := range trials {
		require.Contains(t, one.Error, "start fake: it answers, but the answer is wrong: ")
		require.Contains(t, one.Error, "the body is not the contract's JSON (it begins with \"<html>it works!")
		require.Empty(t, one.Metrics)
	}
}

func TestNonsenseInTheWindowIsInvalid(t *testing.T) {
	r, notes := testRun(t, textCase(1, 1))
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "nonsense=1"))
	require.False(t, failed, "quick shows the number with its reasons")
	require.Len(t, trials, 1)
	require.Zero(t, trials[0].Answers.Agree)
	require.Contains(t, strings.Join(results.Texts(trials[0].Invalid), "\n"), "not the contract's JSON")
	require.Contains(t, notes.String(), "# invalid Embeddings/stack=fake/")
}

func TestServerThatDiesInTheWindow(t *testing.T) {
	r, _ := testRun(t)
	r.set(func(o *suite.Options) { o.Window = 5 * time.Minute }) // which must not be waited for
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	trials, failed := measured(ctx, t, r, fakestack.New(t, "fake", "dies=5"))
	require.True(t, failed)
	require.Len(t, trials, 2, "the next leaf gets a fresh server")
	for _, one := range trials {
		require.Equal(t, "fake: the server exited with code 3: out of luck after 5 requests", one.Error)
		require.Empty(t, one.Metrics)
	}
	ses := testSession(t, r, fakestack.New(t, "fake", "dies=5"))
	var err error
	testing.Benchmark(func(b *testing.B) {
		c := textCase(1, 1)
		_, err = r.Measure(ctx, b, trial.Leaf{Subject: ses, Case: c, How: ses.Stack.Serves[0], Name: trial.NameOn(r.Host.Device, r.Group, ses.Stack, c)})
	})
	lines := strings.Split(err.Error(), "\n")
	require.Equal(t, "fake: the server exited with code 3", lines[0])
	require.Contains(t, lines[1], "log: ")
	require.Contains(t, lines[len(lines)-1], "out of luck")
}

func TestPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	r, _ := testRun(t, textCase(1, 1))
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "taken="+l.Addr().String()))
	require.True(t, failed)
	require.Len(t, trials, 1)
	require.Contains(t, trials[0].Error, "start fake: the server exited with code 3")
	require.Contains(t, trials[0].Error, l.Addr().String()+": bind: address already in use")
}

func TestStrictProfileWithholdsAndFails(t *testing.T) {
	r, _ := testRun(t, textCase(1, 1))
	r.set(func(o *suite.Options) { o.Profile = suite.Standard })
	trials, failed := measured(context.Background(), t, r, fakestack.New(t, "fake", "nonsense=1"))
	require.True(t, failed)
	require.Len(t, trials, 1)
	require.Empty(t, trials[0].Error, "it was measured, and need not be again")
	require.Empty(t, trials[0].Metrics)
	require.Empty(t, trials[0].Raw)
	require.Empty(t, trials[0].BenchLine())
	require.Contains(t, trials[0].Withheld["p50-ms"], "the window is invalid: ")
	require.NotEmpty(t, trials[0].Invalid)
}

func TestEndingSkipsTheRest(t *testing.T) {
	r, _ := testRun(t)
	ctx, stop := boot.Guard(context.Background())
	defer stop()
	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGINT))
	<-boot.Ending(ctx)
	trials, failed := measured(ctx, t, r, fakestack.New(t, "fake", "right"))
	require.False(t, failed)
	require.Empty(t, trials)
}

func TestCancelledRunSkipsAndRecordsNothing(t *testing.T) {
	r, _ := testRun(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(boot.ErrInterrupted)
	trials, failed := measured(ctx, t, r, fakestack.New(t, "fake", "right"))
	require.False(t, failed)
	require.Empty(t, trials)
}
