package unit

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/perf/benchfmt"
)

func TestLinesAreReadByBenchfmt(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Lines(&b))
	r := benchfmt.NewReader(&b, "units")
	for r.Scan() {
		_, bad := r.Result().(*benchfmt.SyntaxError)
		require.False(t, bad, "%v", r.Result())
	}
	for _, u := range All() {
		require.Equal(t, map[Better]int{Higher: 1, Lower: -1, Neither: 0}[u.Better], r.Units().GetBetter(string(u.Name)), u.Name)
		if u.Better != Neither {
			want := "0.05"
			if u.Name == "foreign-%" {
				want = "9" // a run is not worse for what else the machine did
			}
			require.Equal(t, want, r.Units().Get(string(u.Name), "threshold").Value)
		}
	}
}

func TestTable(t *testing.T) {
	seen, turns := map[Name]bool{}, map[int]bool{}
	name := regexp.MustCompile(`^[a-zA-Z0-9/%-]+$`)
	for _, u := range All() {
		require.Regexp(t, name, u.Name)
		require.False(t, seen[u.Name], u.Name)
		seen[u.Name] = true
		require.NotEmpty(t, u.Definition)
		require.NotContains(t, u.Definition, "|", "it would break the table")
		require.Contains(t, Markdown(), "| `"+string(u.Name)+"` | ")
		require.NotEmpty(t, u.Measure.Kind, u.Name)
		require.Equal(t, u.Measure.Kind == Percentile, u.Measure.Of != NoSeries && u.Measure.Percent > 0, u.Name)
		require.False(t, u.Measure.Throughput && u.Measure.Kind != Rate, u.Name)
		beside := slices.DeleteFunc(u.Use.Beside[:], func(n Name) bool { return n == "" })
		for _, other := range append(beside, u.Name.Restated()...) {
			_, found := Find(other)
			require.True(t, found, "%s names %s", u.Name, other)
		}
		for _, search := range beside {
			require.True(t, search.Sought(), "%s names %s", u.Name, search)
		}
		if turn := u.Use.Glance; turn > 0 {
			require.False(t, turns[turn], "%s has another's turn", u.Name)
			turns[turn] = true
		}
	}
	require.Equal(t, len(All())+2, strings.Count(Markdown(), "\n"))
}

// A name for who measures a unit, and a row of it.
func TestEveryNameHasARow(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "names.go", nil, 0)
	require.NoError(t, err)
	named := map[Name]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
			name, err := strconv.Unquote(text.Value)
			require.NoError(t, err)
			named[Name(name)] = true
		}
		return true
	})
	rows := map[Name]bool{}
	for _, u := range All() {
		rows[u.Name] = true
	}
	require.Equal(t, rows, named)
}

// What is derived from the table is what readers of its tables are used to.
func TestDerivedLists(t *testing.T) {
	for _, c := range []struct {
		got  []Name
		want string
	}{
		{Latencies(), "p50-ms p95-ms p99-ms"},
		{Throughputs(), "tok/s img/s emb/s rps"},
		{In(TextRows), "ttft-ms ttft-p95-ms itl-ms chunk-gap-p99-ms goodput-rps prefix-hit-%"},
		{In(BatchRows), "batch-mean max-batch batch-eff queue-ms queue-depth"},
		{In(DeviceRows), "gpu-util gpu-mem-MB J/answer J/item"},
		{Glances(), "ttft-ms p95-ms p50-ms users img/s emb/s tok/s rps"},
		{Kept(KneeRps), "img/s emb/s batch-mean max-batch batch-eff queue-ms queue-depth knee-rps cpu-util mem-MB gpu-util gpu-mem-MB J/answer J/item client-cpu-%"},
		{Kept(Users), "tok/s goodput-rps batch-mean max-batch users cpu-util mem-MB gpu-util gpu-mem-MB J/answer J/item client-cpu-%"},
		{names(func(u Unit) bool { return u.Name.Fitness() }), "late-p99-ms client-cpu-%"},
		{names(func(u Unit) bool { return u.Name.PerSpan() }), "ns/op tok/s goodput-rps rps img/s emb/s"},
		{names(func(u Unit) bool { return u.Name.Tail() }), "p95-ms p99-ms ttft-p95-ms chunk-gap-p99-ms late-p99-ms"},
	} {
		var got []string
		for _, n := range c.got {
			got = append(got, string(n))
		}
		require.Equal(t, c.want, strings.Join(got, " "))
	}
}

// What a new rate of items restates follows from its row.
func TestWhatSaysTheSame(t *testing.T) {
	for n, want := range map[Name][]Name{
		NsPerOp: {Rps}, JPerAnswer: {JPerItem},
		ImgPerS: nil, GoodputRps: nil, JPerItem: nil, KneeRps: nil, P95: nil, "of-others": nil,
	} {
		require.Equal(t, want, n.Restated(), n)
	}
	var items []Name
	for _, n := range Throughputs() {
		if n != Rps {
			items = append(items, n)
		}
	}
	require.Subset(t, items, []Name{TokPerS, ImgPerS, EmbPerS})
	require.Equal(t, items, Rps.Restated(), "all that is counted in items")
}

// TestNeeds computes the smallest samples: the chance that two or more of n
// requests lie above the percentile must be 99 %.
func TestNeeds(t *testing.T) {
	for _, u := range All() {
		if u.Measure.Kind != Percentile {
			require.Equal(t, 1, u.Needs(), u.Name)
			continue
		}
		above := 1 - float64(u.Measure.Percent)/100
		one := func(n int) float64 { // none or one of n above
			return math.Pow(1-above, float64(n)) + float64(n)*above*math.Pow(1-above, float64(n-1))
		}
		require.LessOrEqual(t, one(u.Needs()), 0.01, u.Name)
		require.Greater(t, one(u.Needs()-1), 0.01, u.Name)
	}
}

func TestWhere(t *testing.T) {
	row := func(n Name) Unit {
		u, ok := Find(n)
		require.True(t, ok)
		return u
	}
	text := Leaf{Group: TextGeneration, Holds: []Condition{Streamed}}
	require.True(t, row("ttft-ms").On(text))
	require.True(t, row("p50-ms").On(text))
	require.False(t, row("ttft-ms").On(Leaf{Group: TextGeneration}), "an answer in one piece has no first chunk")
	require.False(t, row("emb/s").On(text))
	require.False(t, row("users").On(text), "nothing sought it")
	most := Leaf{Group: TextGeneration, Holds: []Condition{Streamed, SeekingMost}, Sought: "users"}
	require.True(t, row("users").On(most))
	require.True(t, row("mem-MB").On(most))
	require.False(t, row("itl-ms").On(most), "stacks at their own limits are not compared by it")
	require.False(t, row("J/item").On(text))
	require.False(t, row("late-p99-ms").On(text))
}

func TestNearest(t *testing.T) {
	var sorted []time.Duration
	for i := range 20 {
		sorted = append(sorted, time.Duration(i+1))
	}
	check := func(failed, percent int, want time.Duration, ok bool) {
		t.Helper()
		got, gotOK := Nearest(sorted, failed, percent)
		require.Equal(t, want, got)
		require.Equal(t, ok, gotOK)
	}
	check(0, 0, 1, true)
	check(0, 50, 10, true)
	check(0, 95, 19, true) // 0.95 × 20 in floats would round up to 20
	check(0, 100, 20, true)
	check(1, 95, 20, true)
	check(2, 95, 0, false)
	_, ok := Nearest[float64](nil, 0, 50)
	require.False(t, ok)
	_, ok = Nearest[float64](nil, 1, 50)
	require.False(t, ok)
}
