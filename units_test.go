package stackbench_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// homonym is a word of another meaning that is also a unit's name.
type homonym struct{ folder, word, what string }

func homonyms() []homonym {
	return []homonym{
		{"internal/axis", "users", "a value of the axis load"},
		{"stacks/embedded/internal/app", "max-batch", "a flag of the server"},
	}
}

// TestUnitsAreNamedInOneTable: a unit's name is written in internal/unit alone,
// and everybody else asks for it by its constant.
func TestUnitsAreNamedInOneTable(t *testing.T) {
	used := map[homonym]bool{}
	for _, file := range sources(t, "internal/unit") {
		for word, line := range words(t, file) {
			if !unitIn(word) {
				continue
			}
			known := false
			for _, h := range homonyms() {
				if h.folder == path.Dir(file) && h.word == word {
					known, used[h] = true, true
				}
			}
			require.True(t, known, "%s:%d writes the unit's name %q: use its constant of internal/unit", file, line, word)
		}
	}
	for _, h := range homonyms() {
		require.True(t, used[h], "%s has no %q any more: take it off the list", h.folder, h.word)
	}
}

func TestUnitsAreFoundInTexts(t *testing.T) {
	for word, want := range map[string]bool{"p95-ms": true, "the `img/s` of it": true, "p95": false, "100 users": false, "tok/s ÷ 2": false} {
		require.Equal(t, want, unitIn(word), word)
	}
}

// unitIn says that a text is a unit's name, or quotes one as Markdown does.
func unitIn(text string) bool {
	for _, u := range unit.All() {
		if name := string(u.Name); text == name || strings.Contains(text, "`"+name+"`") {
			return true
		}
	}
	return false
}

// words are a file's texts, and the line of each.
func words(t *testing.T, file string) map[string]int {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, 0)
	require.NoError(t, err)
	out := map[string]int{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
			word, err := strconv.Unquote(text.Value)
			require.NoError(t, err)
			out[word] = set.Position(text.Pos()).Line
		}
		return true
	})
	return out
}

// TestUnitsStandWhereTheTableSays holds the groups and conditions of the table
// to what is committed: no leaf reports a unit that the table denies it, and no
// row names a group that never had its unit, in runs of both.
func TestUnitsStandWhereTheTableSays(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "results/*/"+results.TrialsFile).Output()
	require.NoError(t, err)
	folders := strings.Fields(string(out))
	require.NotEmpty(t, folders)
	seen := map[unit.Name]map[unit.Group]bool{} // false: only its run has both
	for _, file := range folders {
		run, err := results.Open(path.Dir(file))
		require.NoError(t, err)
		groups := map[unit.Group]bool{}
		for _, trial := range run.Trials {
			groups[leafOf(t, trial).Group] = true
		}
		for _, trial := range run.Trials {
			at := leafOf(t, trial)
			for name := range trial.Metrics {
				u, ok := unit.Find(name)
				require.True(t, ok, "%s has no row", name)
				require.True(t, u.On(at), "%s of %s: the table says %v %s", name, trial.Name, u.Where.Named(), u.Where.If)
				if seen[name] == nil {
					seen[name] = map[unit.Group]bool{}
				}
				for g := range groups {
					seen[name][g] = seen[name][g] || g == at.Group
				}
			}
		}
	}
	for _, u := range unit.All() {
		for _, g := range u.Where.Named() {
			had, together := seen[u.Name][g]
			require.True(t, had || !together, "no committed run has %s in %s", u.Name, g)
		}
	}
}

// leafOf is what decides which units a trial may have.
func leafOf(t *testing.T, trial results.Trial) unit.Leaf {
	t.Helper()
	name, err := results.ParseName(trial.Name)
	require.NoError(t, err)
	at := unit.Leaf{Group: unit.Group(name.GroupTitle())}
	for condition, holds := range map[unit.Condition]bool{
		unit.OpenLoop: name.Get(axis.Load) == axis.Open, unit.Streamed: name.Get(axis.Tokens) != "" && name.Get(axis.Proto) != "rest", unit.OnGPU: trial.GPU != nil,
		unit.SeekingRate: name.Get(axis.Load) == axis.Knee, unit.SeekingMost: name.Get(axis.Load) == axis.Users,
	} {
		if holds {
			at.Holds = append(at.Holds, condition)
		}
	}
	switch {
	case name.Get(axis.Load) == axis.Knee:
		at.Sought = unit.KneeRps
	case name.Get(axis.Load) == axis.Users:
		at.Sought = unit.Users
	}
	return at
}

// Every group that the table names is one.
func TestUnitsAreOfGroups(t *testing.T) {
	require.NotEmpty(t, unit.Groups())
	for _, g := range unit.Groups() {
		_, err := os.Stat("groups/" + strings.ReplaceAll(string(g), "_", ""))
		require.NoError(t, err)
	}
}
