package results

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestARunIsGoneOnWithOnlyAsItBegan changes one thing at a time.
func TestARunIsGoneOnWithOnlyAsItBegan(t *testing.T) {
	whole := func() Env {
		e := env()
		e.Harness.Changes, e.Driver, e.GPUs = "aa11", "570", []GPU{{Name: "L4"}}
		e.Machine.Kernel, e.Machine.Docker = "6.1", "28"
		e.Skipped = []Skip{{What: "riva", Why: "needs a NIM key"}}
		return e
	}
	require.Empty(t, Differences(whole(), whole()))
	little := whole()
	little.Machine.MemoryMB -= 20
	little.Started = little.Started.AddDate(0, 0, 1)
	require.Empty(t, Differences(whole(), little), "a kernel's own share, and the day")

	check := func(what, says string, change func(*Env)) {
		t.Run(what, func(t *testing.T) {
			now := whole()
			change(&now)
			d := Differences(whole(), now)
			require.Len(t, d, 1)
			err := &Changed{Dir: "results/a", Differences: d}
			lines := strings.Split(err.Error(), "\n")
			require.Equal(t, "results/a cannot be gone on with: its trials and the new ones would not be of the same thing", lines[0])
			require.Equal(t, "  "+what+": "+says, lines[1])
			require.Contains(t, lines[2], "start a new run")
		})
	}
	check("processor", "Some CPU @ 3 GHz then, Other now", func(e *Env) { e.Machine.CPU = "Other" })
	check("cores", "2 then, 4 now", func(e *Env) { e.Machine.Cores = 4 })
	check("client's cores", "0 then, 1 now", func(e *Env) { e.Machine.ClientCores = "1" })
	check("servers' cores", "1 then, none now", func(e *Env) { e.Machine.ServerCores = "" })
	check("memory", "8192 MB then, 16384 MB now", func(e *Env) { e.Machine.MemoryMB *= 2 })
	check("system", "linux/amd64 6.1 then, linux/amd64 6.8 now", func(e *Env) { e.Machine.Kernel = "6.8" })
	check("Docker", "28 then, none now", func(e *Env) { e.Machine.Docker = "" })
	check("device", "cpu then, gpu now (give --device as it was)", func(e *Env) { e.Device = "gpu" })
	check("GPUs", "L4 then, L4, L4 now", func(e *Env) { e.GPUs = append(e.GPUs, GPU{Name: "L4"}) })
	check("GPU driver", "570 then, 580 now", func(e *Env) { e.Driver = "580" })
	check("harness", "0.1 then, 0.2 now (go back to the commit)", func(e *Env) { e.Harness.Version = "0.2" })
	check("Go", "go1.26.8 then, go1.27 now", func(e *Env) { e.Harness.Go = "go1.27" })
	check("commit", "abc then, def now (git checkout abc)", func(e *Env) { e.Harness.Commit = "def" })
	check("sources", "changed since the commit (aa11) then, changed since the commit (bb22) now (undo the changes (git diff shows them))", func(e *Env) { e.Harness.Changes = "bb22" })
	check("weights of resnet50", "seeded baf0 then, hub c0de now (give --weights as they were)", func(e *Env) {
		e.Models = []Weights{e.Models[0], {Model: "resnet50", Source: "hub", SHA256: "c0de"}}
	})
	check("profile", "quick then, full now (leave the flag out)", func(e *Env) { e.Plan.Profile = "full" })
	check("window", "3s then, 30s now (leave the flag out)", func(e *Env) { e.Plan.Window = "30s" })
	check("trials", "1 then, 6 now (leave the flag out)", func(e *Env) { e.Plan.Trials = 6 })
	check("seed", "8817 then, 1 now (leave the flag out)", func(e *Env) { e.Plan.Seed = 1 })
	check("groups", "embeddings then, embeddings,batch_serving now (leave the flag out)", func(e *Env) {
		e.Plan.Groups = []string{"embeddings", "batch_serving"}
	})
	check("stacks", "embedded then, triton now (leave the flag out)", func(e *Env) { e.Plan.Stacks = []string{"triton"} })
	check("riva", "left out: needs a NIM key then, measured now", func(e *Env) { e.Skipped = nil })
	check("tei", "measured then, left out: no Docker now (make it run again: go tool stackbench doctor)", func(e *Env) {
		e.Skipped = append(e.Skipped, Skip{What: "tei", Why: "no Docker"})
	})
}

func TestSourcesThatWereChangedUnseenAreRefused(t *testing.T) {
	d := Differences(env(), env()) // an older run: modified, and not how
	require.Len(t, d, 1)
	require.Equal(t, "sources", d[0].What)
	clean := env()
	clean.Harness.Modified = false
	require.Empty(t, Differences(clean, clean))
}

func TestManyDifferencesAreCounted(t *testing.T) {
	now := env()
	now.Harness.Modified = false
	was := now
	for _, c := range "abcdefghijkl" {
		now.Skipped = append(now.Skipped, Skip{What: "leaf " + string(c), Why: "no Docker"})
	}
	text := (&Changed{Dir: "d", Differences: Differences(was, now)}).Error()
	require.Contains(t, text, "  leaf h: ")
	require.NotContains(t, text, "  leaf i: ")
	require.Contains(t, text, "\n  and 4 more\n")
}

// TestCommittedRunsAreStillRead: what a run records more of itself is absent there.
func TestCommittedRunsAreStillRead(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "results", "*", EnvFile))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		r, err := Open(filepath.Dir(file))
		require.NoError(t, err)
		text, err := json.Marshal(r.Env)
		require.NoError(t, err)
		var again Env
		require.NoError(t, json.Unmarshal(text, &again))
		if r.Env.Harness.Modified {
			require.Len(t, Differences(r.Env, again), 1, "how the sources differed was not recorded")
			continue
		}
		require.Empty(t, Differences(r.Env, again))
	}
}
