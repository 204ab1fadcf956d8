package stackbench_test

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/compare"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/unit"
	"stackbench/stacks"
)

// TestMetricsPageIsTheTable holds docs/metrics.md to the units that the code reports.
func TestMetricsPageIsTheTable(t *testing.T) {
	between(t, "docs/metrics.md", "units", unit.Markdown())
}

// TestReadmeTableIsTheCommittedRun holds README's result to the run that it
// names, which is committed: runs that a user made since do not matter.
func TestReadmeTableIsTheCommittedRun(t *testing.T) {
	name := readmeRun(t)
	tracked, err := exec.Command("git", "ls-files", name+"/"+results.TrialsFile).Output()
	require.NoError(t, err)
	require.NotEmpty(t, string(tracked), "%s, which README shows, is not committed", name)
	run, err := results.Open(name)
	require.NoError(t, err)
	require.Empty(t, run.Warnings)
	table, err := compare.Stacks(run)
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, table.Markdown(&b))
	head := "From [`" + name + "`](" + name + "), made by `make bench` on " + run.Env.Hardware() + ".\n\n"
	between(t, "README.md", "result", head+b.String())
}

// TestStacksPageIsTheCommittedRun holds the pages of results to their runs.
func TestStacksPageIsTheCommittedRun(t *testing.T) {
	for _, file := range []string{"docs/stacks-compared.md", "docs/text-compared.md"} {
		page, err := os.ReadFile(file)
		require.NoError(t, err)
		runs := regexp.MustCompile("<!-- (results/[a-z0-9-]+) -->").FindAllSubmatch(page, -1)
		require.NotEmpty(t, runs)
		for _, found := range runs {
			name := string(found[1])
			tracked, err := exec.Command("git", "ls-files", name+"/"+results.TrialsFile).Output()
			require.NoError(t, err)
			require.NotEmpty(t, string(tracked), "%s is not committed", name)
			run, err := results.Open(name)
			require.NoError(t, err)
			table, err := compare.Stacks(run)
			require.NoError(t, err)
			var b strings.Builder
			require.NoError(t, table.Markdown(&b))
			between(t, file, name, b.String())
		}
	}
}

// readmeRun is the folder of the run that README names; with -show, the one to
// name from now on.
func readmeRun(t *testing.T) string {
	t.Helper()
	if chosen := flag.Lookup("show").Value.String(); chosen != "" {
		return chosen
	}
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	found := regexp.MustCompile(`From \[.(results/[a-z0-9-]+).\]`).FindSubmatch(page)
	require.NotNil(t, found, "README shows no run: go test . -update -show results/NAME")
	return string(found[1])
}

// TestReadmeNamesEveryStack holds README's table of stacks to their values.
func TestReadmeNamesEveryStack(t *testing.T) {
	var b strings.Builder
	b.WriteString("| stack | what it is | interfaces |\n|---|---|---|\n")
	for _, s := range stacks.All() {
		what := s.Title
		if s.Status != "" {
			what += ". " + strings.ToUpper(s.Status[:1]) + s.Status[1:]
		}
		var protos []string
		for _, c := range s.Serves {
			if name := map[stack.Proto]string{stack.REST: "REST", stack.GRPC: "gRPC", stack.Stream: "gRPC stream", stack.SSE: "SSE", stack.WS: "WebSocket"}[c.Proto]; !slices.Contains(protos, name) {
				protos = append(protos, name)
			}
		}
		b.WriteString("| `" + s.Name + "` | " + what + " | " + strings.Join(protos, ", ") + " |\n")
	}
	between(t, "README.md", "stacks", b.String())
}

// TestAddingAStackIsTrue holds the page to the code: every file that it names
// is there, and every test, in the file that it names.
func TestAddingAStackIsTrue(t *testing.T) {
	page, err := os.ReadFile("docs/adding-a-stack.md")
	require.NoError(t, err)
	paths := regexp.MustCompile("`((?:stacks|internal|testdata|docs)[a-z_/-]*[a-zA-Z_.-]*)`").FindAllSubmatch(page, -1)
	require.Greater(t, len(paths), 15)
	for _, m := range paths {
		if strings.HasSuffix(string(m[1]), "/NAME") {
			continue
		}
		_, err := os.Stat(string(m[1]))
		require.NoError(t, err)
	}
	steps := regexp.MustCompile(`(?m)^## \d`).Split(string(page), -1)[1:]
	require.Len(t, steps, 8)
	for _, step := range steps[:7] {
		_, checks, ok := strings.Cut(step, "\nChecked by ")
		require.True(t, ok, "no test checks the step %.40q", step)
		tests := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(checks, -1)
		files := regexp.MustCompile("in\\s+`([a-z_/]+_test.go)`").FindAllStringSubmatch(checks, -1)
		require.NotEmpty(t, tests)
		code := ""
		for _, f := range files {
			text, err := os.ReadFile(f[1])
			require.NoError(t, err)
			code += string(text)
		}
		for _, name := range tests {
			require.True(t, strings.Contains(code, "\nfunc "+name[1]+"("), "docs/adding-a-stack.md names %s, which is not there", name[1])
		}
	}
}

// TestCIRunsEveryReadmeCommand keeps README's commands true: each is a line of
// .ci/run, which fails when one does.
func TestCIRunsEveryReadmeCommand(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	ci, err := os.ReadFile(".ci/run")
	require.NoError(t, err)
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(page, -1) {
		for line := range strings.Lines(string(block[1])) {
			command, _, _ := strings.Cut(line, "  #")
			if command = strings.TrimSpace(command); command == "" {
				continue
			}
			commands++
			require.Contains(t, string(ci), "\n"+command, "README says %q, and .ci/run does not run it", command)
		}
	}
	require.Greater(t, commands, 5)
}

// between wants the text between two marks of a file to be want. With -update
// it puts it there.
func between(t *testing.T, file, mark, want string) {
	t.Helper()
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	open, end := "<!-- "+mark+" -->\n", "<!-- /"+mark+" -->\n"
	before, rest, ok := strings.Cut(string(page), open)
	require.True(t, ok, "%s has no %s", file, open)
	got, after, ok := strings.Cut(rest, end)
	require.True(t, ok, "%s has no %s", file, end)
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(file, []byte(before+open+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, got, "%s is not what the code says: go test . -update", file)
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "write the derived parts of README and docs")
	flag.String("show", "", "with -update: the run under results that README shows")
	flag.Parse()
	os.Exit(m.Run())
}
