package stackbench_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/model"
	"stackbench/internal/runner"
)

// groupName is the name that a group of benchmarks gives itself.
var groupName = regexp.MustCompile(`suite\.Group\{\s*Name: "(\w+)", Title: "(\w+)"`)

// TestTheRunnerKnowsEveryGroup: each folder of groups/ is in the runner's table,
// under the name that its benchmark has.
func TestTheRunnerKnowsEveryGroup(t *testing.T) {
	folders, err := os.ReadDir("groups")
	require.NoError(t, err)
	var here, known []string
	for _, f := range folders {
		here = append(here, f.Name())
	}
	for _, g := range runner.Groups() {
		folder := path.Base(g.Package)
		known = append(known, folder)
		require.Equal(t, module+"/groups/"+folder, g.Package)
		code := benchmark(t, folder)
		named := groupName.FindAllStringSubmatch(code, -1)
		require.Len(t, named, 1, folder)
		require.Equal(t, g.Name, named[0][1])
		require.Contains(t, code, "func Benchmark"+named[0][2]+"(b *testing.B)")
	}
	slices.Sort(known)
	require.Equal(t, here, known, "a folder of groups/ is not in runner.Groups")
}

// TestReadmeNamesEveryGroup holds README's table of groups to what they ask, and
// of which models.
func TestReadmeNamesEveryGroup(t *testing.T) {
	var b strings.Builder
	b.WriteString("| group | question | models |\n|---|---|---|\n")
	for _, g := range runner.Groups() {
		folder := path.Base(g.Package)
		text, err := os.ReadFile(filepath.Join("groups", folder, "doc.go"))
		require.NoError(t, err)
		doc, _, _ := strings.Cut(strings.ReplaceAll(string(text), "\n// ", " "), "?")
		_, question, found := strings.Cut(doc, "// Package "+folder+" asks: ")
		require.True(t, found, "groups/%s/doc.go does not say what it asks", folder)
		code := benchmark(t, folder)
		var models []string
		for _, m := range model.Names() {
			if strings.Contains(code, `"`+m+`"`) {
				models = append(models, "`"+m+"`")
			}
		}
		require.NotEmpty(t, models, folder)
		b.WriteString("| `" + g.Name + "` | " + question + "? | " + strings.Join(models, ", ") + " |\n")
	}
	between(t, "README.md", "groups", b.String())
}

// benchmark is the code of a group.
func benchmark(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("groups", folder, "*.go"))
	require.NoError(t, err)
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		b.Write(text)
	}
	return b.String()
}
