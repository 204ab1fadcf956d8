package trial

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/fakestack"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

const (
	minilm = fakestack.MiniLM
	gpt2   = fakestack.GPT2
)

func TestMain(m *testing.M) {
	fakestack.Serve()
	os.Exit(m.Run())
}

func textCase(batch, conc int) suite.Case {
	return suite.Case{Task: stack.Embeddings, Model: minilm, Proto: stack.REST, Input: stack.Text, Batch: batch, Load: suite.Closed(conc)}
}

// testRig measures cases of embeddings in short windows, with nothing fetched, and
// gives its notes.
func testRig(t *testing.T, cases ...suite.Case) (*Rig, *bytes.Buffer) {
	t.Helper()
	t.Setenv("STACKBENCH_CACHE", t.TempDir())
	h, err := host.Survey(suite.Options{Start: suite.Start{Device: "cpu", Launcher: "process"}, Window: 600 * time.Millisecond, Record: suite.Record{Trial: 1, Seed: 9}})
	require.NoError(t, err)
	all, err := cpuset.Usable()
	require.NoError(t, err)
	h.Client, h.Cores, _ = cpuset.Split(all)
	h.Stat = fakestack.Idle(all)
	var notes bytes.Buffer
	r := NewRig(h, suite.Group{Name: "embeddings", Title: "Embeddings", Cases: cases}, &notes)
	served, right := fakestack.Embedder(t)
	r.Golden.Models[minilm] = &golden.Model{Served: served, Right: right}
	return r, &notes
}
