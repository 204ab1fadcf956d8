package stackbench_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// goPackage is the part of `go list -json` that the rules look at.
type goPackage struct {
	ImportPath string
	Imports    []string
}

const module = "stackbench"

// leaves are vocabularies without behaviour of the product's own, which any
// package may import: the axes of names, the table of units, the types of a stack
// and of a record, core sets, the plan's wire form, the generated OIP protobuf,
// the tokenizer, the embedded testdata (the root package), the fetching of pinned
// files, and the reader of safetensors.
func leaves() []string {
	return []string{module, "internal/axis", "internal/unit", "internal/stack", "internal/record", "internal/cpuset", "internal/plan", "internal/oippb", "internal/tokenizer", "internal/fetch", "internal/safetensors"}
}

// allowed says what a package may import beside the leaves; a prefix ending
// in "/" covers the packages under it. The first rule that matches holds.
func allowed(pkg string) (may []string, found bool) {
	rules := []struct {
		prefix string
		may    []string
	}{
		{"groups/", []string{"internal/bench", "internal/suite", "stacks"}},
		{"stacks/embedded/", []string{"stacks/embedded/"}},
		{"stacks/", []string{"stacks/hub"}},
		{"stacks", []string{"stacks/"}},
		{"internal/cmd/", []string{
			"internal/bench", "internal/suite", "internal/host", "internal/trial", "internal/boot", "internal/results", "internal/turn", "internal/usage", "internal/meter",
			"internal/runner", "internal/compare", "internal/conformance", "internal/fake", "internal/selftest", "internal/model", "internal/ort", "internal/gpu",
			"internal/load", "stacks",
		}},
		// The rooms of a benchmark, from what is asked up to testing's glue: each may
		// import those before it.
		{"internal/suite", nil},
		{"internal/task", []string{"internal/suite", "internal/load", "internal/meter", "internal/quality", "internal/workload", "internal/wire/"}},
		{"internal/host", []string{"internal/suite", "internal/task", "internal/boot", "internal/gpu", "internal/usage", "internal/model", "internal/ort", "internal/results", "internal/wire/http1"}},
		{"internal/golden", []string{"internal/suite", "internal/task", "internal/host", "internal/boot", "internal/quality"}},
		{"internal/trial", []string{
			"internal/suite", "internal/task", "internal/host", "internal/golden", "internal/boot", "internal/load", "internal/meter", "internal/telemetry", "internal/gpu",
			"internal/usage", "internal/quality", "internal/results", "internal/hist", "internal/search", "internal/workload",
		}},
		{"internal/bench", []string{"internal/suite", "internal/host", "internal/trial", "internal/boot", "internal/meter", "internal/model", "internal/results", "internal/turn"}},
		// What only tests import.
		{"internal/fakestack", []string{"internal/task", "internal/fake", "internal/quality", "internal/workload"}},
		{"internal/compare", []string{"internal/results", "internal/hist", "internal/meter"}},
		{"internal/conformance", []string{"internal/fake"}},
		{"internal/selftest", []string{"internal/fake", "internal/load", "internal/meter", "internal/usage", "internal/wire/"}},
		{"internal/wire/", []string{"internal/wire/"}},
		{"internal/telemetry", []string{"internal/wire/http1"}},
		{"internal/model/", nil},
		{"internal/model", []string{"internal/model/", "internal/fetch"}},
		{"internal/ort", []string{"internal/fetch"}},
		// These two know nobody: a text is judged, and a clip read, wherever it came from.
		{"internal/quality/wer", nil},
		{"internal/audio", nil},
		{"internal/", nil},
		{"testdata", nil},
	}
	for _, r := range rules {
		if strings.HasPrefix(pkg, r.prefix) {
			return r.may, true
		}
	}
	return nil, false
}

func TestImportsFollowTheDesign(t *testing.T) {
	for _, p := range list(t) {
		pkg := strings.TrimPrefix(p.ImportPath, module+"/")
		if slices.Contains(leaves(), pkg) {
			for _, imp := range local(p.Imports) {
				require.Contains(t, leaves(), imp, "the leaf %s imports %s", pkg, imp)
			}
			continue
		}
		may, found := allowed(pkg)
		require.True(t, found, "no rule says what %s may import: add one", pkg)
		for _, imp := range local(p.Imports) {
			require.True(t, slices.Contains(leaves(), imp) || matches(may, imp), "%s may not import %s", pkg, imp)
		}
	}
}

// TestOnlyOneImporter holds the libraries that reach outside the program to one package each.
func TestOnlyOneImporter(t *testing.T) {
	owners := map[string]string{
		"github.com/testcontainers/testcontainers-go": "internal/boot",
		"github.com/NVIDIA/go-nvml":                   "internal/gpu",
		"github.com/HdrHistogram/hdrhistogram-go":     "internal/hist",
		"github.com/yalue/onnxruntime_go":             "stacks/embedded/",
	}
	for _, p := range list(t) {
		for _, imp := range p.Imports {
			for lib, owner := range owners {
				if imp == lib || strings.HasPrefix(imp, lib+"/") {
					require.True(t, strings.HasPrefix(strings.TrimPrefix(p.ImportPath, module+"/"), owner), "%s imports %s, which only %s may", p.ImportPath, imp, owner)
				}
			}
		}
	}
}

func TestNoInitFunctions(t *testing.T) {
	out, err := exec.Command("git", "grep", "-n", "-E", `^func init\(\)`, "--", "*.go", ":!*.pb.go").Output()
	if err != nil && len(out) > 0 {
		require.NoError(t, err)
	}
	require.Empty(t, string(out))
}

func list(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var pkgs []goPackage
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for dec.More() {
		var p goPackage
		require.NoError(t, dec.Decode(&p))
		pkgs = append(pkgs, p)
	}
	require.NotEmpty(t, pkgs)
	return pkgs
}

// local gives the imports that are of this module, without its name.
func local(imports []string) []string {
	var out []string
	for _, imp := range imports {
		if imp == module {
			out = append(out, module)
		} else if rest, ok := strings.CutPrefix(imp, module+"/"); ok {
			out = append(out, path.Clean(rest))
		}
	}
	return out
}

func matches(rules []string, imp string) bool {
	return slices.ContainsFunc(rules, func(r string) bool {
		return imp == r || strings.HasSuffix(r, "/") && strings.HasPrefix(imp, r)
	})
}
