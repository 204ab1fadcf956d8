package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fakestack"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/turn"
)

// envMeasure has this test binary measure, as a group's does: the embeddings of
// a server that does as it says.
const envMeasure = "BENCH_TEST_MEASURE"

// mainly runs this test binary as a group's.
func mainly(m *testing.M) int {
	if os.Getenv(envMeasure) == "main" {
		return mainCode(m, suite.Group{Name: "embeddings", Title: "Embeddings"}, nil)
	}
	return m.Run()
}

func BenchmarkEmbeddings(b *testing.B) {
	how := os.Getenv(envMeasure)
	if how == "" {
		b.Skip("TestTheExitCode runs it")
	}
	r := embeddingRun(b, os.Stderr, textCase(1, 1))
	r.marks = nil
	r.set(func(o *suite.Options) { o.Window = cheatWindow })
	r.set(func(o *suite.Options) { o.Stacks = []stack.Stack{fakestack.Patient(fakestack.New(b, "fake", how))} })
	r.Golden.Reference = fakestack.Patient(fakestack.New(b, "reference", "right"))
	r.stacks(context.Background(), b)
}

// TestTheExitCode: a benchmark whose answers are right ends with 0, and one whose
// answers fail with 1, though it has printed what it measured.
func TestTheExitCode(t *testing.T) {
	for how, want := range map[string]int{"honest": 0, "garbage": 1, "bytes": 1} {
		t.Run(how, func(t *testing.T) {
			code, stdout, stderr := asGroup(t, how)
			require.Equal(t, want, code, stderr)
			line := `(?m)^BenchmarkEmbeddings/stack=fake/model=all-minilm-l6-v2/\S+\s+1\s.* emb/s`
			require.Regexp(t, line, stdout)
			if want == 0 {
				require.NotContains(t, stdout, "# invalid")
				return
			}
			require.Contains(t, stdout, "# invalid Embeddings/stack=fake/")
			require.Contains(t, stdout, "the answers failed, so that what was measured is no result: Embeddings/stack=fake/")
		})
	}
}

// TestABenchmarkIsRefusedWhileAnotherMeasures: with 2, in words, and before
// anything is looked at.
func TestABenchmarkIsRefusedWhileAnotherMeasures(t *testing.T) {
	t.Setenv("STACKBENCH_LOCK", filepath.Join(t.TempDir(), "lock"))
	leave, err := turn.Take("stackbench run")
	require.NoError(t, err)
	defer leave()
	code, stdout, stderr := asGroup(t, "main")
	require.Equal(t, 2, code, stderr)
	require.Regexp(t, `^process \d+ \(stackbench run, since [\d:]+\) measures on this machine, and two runs at a time disturb one another\nwait for its end, or end it \(the lock is `, stderr)
	require.Empty(t, stdout)
}

// asGroup runs the benchmark as a process that is not our child, since ours may
// measure while we do.
func asGroup(t *testing.T, how string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `"$0" "$@"; exit $?`, os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkEmbeddings$", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), envMeasure+"="+how)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
