package stackbench_test

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
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

// TestReadmeTableIsTheCommittedRun holds README's result, and the page that has
// all of it, to the run that they name, which is committed: runs that a user
// made since do not matter.
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
	short := excerpt(*table)
	require.NotEmpty(t, short.Blocks)
	for file, shown := range map[string]*compare.Table{"README.md": &short, "docs/results.md": table} {
		var b strings.Builder
		require.NoError(t, shown.Markdown(&b))
		link := strings.Repeat("../", strings.Count(file, "/")) + name
		between(t, file, "result", "From [`"+name+"`]("+link+"), made by `make bench` on "+run.Env.Hardware()+".\n\n"+b.String())
	}
}

// excerpt is what README shows of a run: one work of each group, the first in
// which a stack is best by evidence, or where none is, the first; of that, what
// two loads came to, and the facts. What is said about other rows stays out.
func excerpt(whole compare.Table) compare.Table {
	out := compare.Table{Conditions: whole.Conditions}
	var groups []string
	for _, b := range whole.Blocks {
		group, _, _ := strings.Cut(b.Title, " · ")
		switch i := slices.Index(groups, group); {
		case i < 0:
			groups, out.Blocks = append(groups, group), append(out.Blocks, gist(b))
		case !decided(out.Blocks[i]) && decided(gist(b)):
			out.Blocks[i] = gist(b)
		}
	}
	if slices.ContainsFunc(out.Blocks, func(b compare.Block) bool { return holds(b, func(c compare.Cell) bool { return c.Doubt }) }) {
		out.Doubts = whole.Doubts
	}
	return out
}

// gist leaves of a block the first four rows of its first two loads, and those
// that are of no load.
func gist(b compare.Block) compare.Block {
	var loads []string
	shown := map[string]int{}
	rows := b.Rows
	b.Rows = nil
	for _, r := range rows {
		of := strings.HasPrefix(r.Label, "batch=")
		if of && !slices.Contains(loads, r.Label) {
			loads = append(loads, r.Label)
		}
		first := of && slices.Index(loads, r.Label) < 2 && shown[r.Label] < 4
		if first && r.Unit != "" || !of && r.Unit == "" {
			shown[r.Label]++
			b.Rows = append(b.Rows, r)
		}
	}
	return b
}

func decided(b compare.Block) bool {
	return holds(b, func(c compare.Cell) bool { return c.Remark == "best" })
}

func holds(b compare.Block, is func(compare.Cell) bool) bool {
	return slices.ContainsFunc(b.Rows, func(r compare.Row) bool { return slices.ContainsFunc(r.Cells, is) })
}

func TestWhatReadmeShowsOfARun(t *testing.T) {
	row := func(label, unit, remark string) compare.Row {
		return compare.Row{Label: label, Unit: unit, Cells: []compare.Cell{{Text: "1", Remark: remark}, {Text: "2", Doubt: remark == "!"}}}
	}
	block := func(title string, rows ...compare.Row) compare.Block { return compare.Block{Title: title, Rows: rows} }
	level := []compare.Row{row("batch=1 conc=1", "p50-ms", "level"), row("batch=1 conc=1", "", ""), row("time at batch=1 conc=1", "compute", ""), row("answers", "", "")}
	best := []compare.Row{row("batch=1 conc=1", "p50-ms", "best"), row("batch=1 conc=1", "p95-ms", ""), row("batch=1 conc=1", "p99-ms", ""), row("batch=1 conc=1", "img/s", ""), row("batch=1 conc=1", "queue-ms", ""), row("batch=1 conc=8", "p50-ms", ""), row("batch=8 conc=1", "p50-ms", "")}
	late := []compare.Row{row("batch=1 conc=1", "p50-ms", "!"), row("batch=1 conc=8", "p50-ms", ""), row("batch=8 conc=1", "p50-ms", "best")}
	whole := compare.Table{Missing: []string{"m"}, Doubts: []string{"d"}, Conditions: []string{"c"}, Blocks: []compare.Block{
		block("a · level", level...), block("a · late", late...), block("a · best", best...), block("a · best again", best...), block("b · level", level...),
	}}
	short := excerpt(whole)
	require.Equal(t, compare.Table{Conditions: whole.Conditions, Blocks: []compare.Block{
		block("a · best", append(best[:4:4], best[5])...), block("b · level", level[0], level[3]),
	}}, short)
	whole.Blocks = whole.Blocks[1:2]
	require.Equal(t, whole.Doubts, excerpt(whole).Doubts, "a figure in doubt is not shown without its reason")
}

// TestReadmeIsShort: who has never heard of this reads it to its end.
func TestReadmeIsShort(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, rest, _ := strings.Cut(string(page), "<!-- result -->\n")
	_, after, _ := strings.Cut(rest, "<!-- /result -->\n")
	require.LessOrEqual(t, strings.Count(before+after, "\n"), 120, "README.md is long: move what only some need to docs/")
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
	steps := guide(t, "docs/adding-a-stack.md")
	require.Len(t, steps, 8)
}

// TestAddingAGroupIsTrue likewise; and each line of a table that it shows is one
// of the file that stands above it.
func TestAddingAGroupIsTrue(t *testing.T) {
	const file = "docs/adding-a-group.md"
	steps := guide(t, file)
	require.Len(t, steps, 9)
	shown := 0
	for _, block := range regexp.MustCompile("(?s)```go\n// ([a-z_/.]+)\n(.*?)```").FindAllStringSubmatch(strings.Join(steps, ""), -1) {
		code, err := os.ReadFile(block[1])
		require.NoError(t, err)
		for line := range strings.Lines(block[2]) {
			start, _, _ := strings.Cut(strings.TrimSpace(line), "…")
			require.Contains(t, string(code), strings.TrimSpace(start), "%s shows a line of %s", file, block[1])
			shown++
		}
	}
	require.Equal(t, 7, shown, "a line a table")
}

// guide holds a page of steps to the code, and gives the steps: every file that it
// names is there, and every step but the last, which measures, names the tests
// that fail without it and where they stand.
func guide(t *testing.T, file string) []string {
	t.Helper()
	page, err := os.ReadFile(file)
	require.NoError(t, err)
	paths := regexp.MustCompile("`((?:stacks|internal|testdata|docs|groups)[a-z_/-]*[a-zA-Z_.-]*)`").FindAllSubmatch(page, -1)
	require.Greater(t, len(paths), 15)
	for _, m := range paths {
		if strings.HasSuffix(string(m[1]), "/NAME") {
			continue
		}
		_, err := os.Stat(string(m[1]))
		require.NoError(t, err)
	}
	steps := regexp.MustCompile(`(?m)^## \d`).Split(string(page), -1)[1:]
	for _, step := range steps[:len(steps)-1] {
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
			require.True(t, strings.Contains(code, "\nfunc "+name[1]+"("), "%s names %s, which is not there", file, name[1])
		}
	}
	return steps
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

// TestSettingsPageHasEveryVariable: each variable that the product reads stands
// in the page, and each that stands there is read.
func TestSettingsPageHasEveryVariable(t *testing.T) {
	page, err := os.ReadFile("docs/settings.md")
	require.NoError(t, err)
	read := map[string]bool{}
	require.NoError(t, filepath.WalkDir("internal", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`os\.Getenv\("(STACKBENCH_\w+)"\)`).FindAllSubmatch(code, -1) {
			read[string(m[1])] = true
		}
		return err
	}))
	require.Greater(t, len(read), 5)
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("`(STACKBENCH_[A-Z_]+)`").FindAllSubmatch(page, -1) {
		told[string(m[1])] = true
	}
	require.Equal(t, read, told)
	for _, m := range regexp.MustCompile("`STACKBENCH_([A-Z]+)_<STACK>`").FindAllSubmatch(page, -1) {
		require.Contains(t, []string{"ATTACH", "BIN", "IMAGE"}, string(m[1]))
	}
}

// TestLinksOfDocsLeadSomewhere: to a file, and where they name a heading, to that.
func TestLinksOfDocsLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	links := 0
	for _, file := range append(pages, "README.md") {
		page, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllSubmatch(page, -1) {
			if strings.Contains(string(m[1]), "://") {
				continue
			}
			links++
			target, heading, _ := strings.Cut(string(m[1]), "#")
			there := file
			if target != "" {
				there = filepath.Join(filepath.Dir(file), target)
			}
			info, err := os.Stat(there)
			require.NoError(t, err, "%s links to %s", file, m[1])
			if heading != "" && !info.IsDir() {
				text, err := os.ReadFile(there)
				require.NoError(t, err)
				require.Contains(t, headings(string(text)), heading, "%s links to %s", file, m[1])
			}
		}
	}
	require.Greater(t, links, 20)
}

// TestGlossaryHasOneNameAThing: every term is explained once, in a sentence.
func TestGlossaryHasOneNameAThing(t *testing.T) {
	page, err := os.ReadFile("docs/glossary.md")
	require.NoError(t, err)
	var terms []string
	for _, m := range regexp.MustCompile(`(?m)^- \*\*(.+?)\*\*: (.+(?:\n  .+)*)$`).FindAllStringSubmatch(string(page), -1) {
		require.Contains(t, m[2], ".", "%s is not explained", m[1])
		for term := range strings.SplitSeq(m[1], ", ") {
			require.NotContains(t, terms, strings.ToLower(term), "explained twice")
			terms = append(terms, strings.ToLower(term))
		}
	}
	require.Equal(t, strings.Count(string(page), "\n- "), strings.Count(string(page), "\n- **"), "an entry without a term")
	require.Greater(t, len(terms), 40)
}

// headings are those of a page, as links name them.
func headings(page string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(page, -1) {
		name := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		out = append(out, strings.ReplaceAll(name, " ", "-"))
	}
	return out
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
