package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
	"stackbench/internal/results"
	"stackbench/internal/unit"
)

// machine makes trials as this product's machines do: every process is off by an
// amount of its own, its slowest requests by another one, and requests one after
// the other are alike. The spreads are those of 24 fresh processes of one stack:
// two of them differ by 2 % in the median of such pairs, 95 % of them by under
// 8 %, and in p95 by up to 21 %.
type machine struct{ rng *rand.Rand }

// off is a process's deviation: mostly small, with heavy tails (Student's t of 4).
func (m machine) off(scale float64) float64 {
	chi := 0.0
	for range 4 {
		chi += math.Pow(m.rng.NormFloat64(), 2)
	}
	return math.Exp(scale * m.rng.NormFloat64() / math.Sqrt(chi/4))
}

// trial is one process's window of a closed loop of some users, 3 s long.
func (m machine) trial(n results.Name, number int, ms float64) results.Trial {
	users := max(n.Number(axis.Conc), 1)
	centre, slow := ms*m.off(0.02), m.off(0.045)
	t := results.Trial{Name: n.String(), Trial: number, Seconds: 3, Metrics: map[unit.Name]float64{}, Server: results.Server{Launcher: "process"}}
	wave, sum := 0.0, 0.0
	var raw []float64
	for sum < 3000*float64(users) {
		wave = 0.7*wave + 0.05*m.rng.NormFloat64()
		at := centre * math.Exp(wave)
		if m.rng.Float64() < 0.12 {
			at *= 1.3 * slow
		}
		sum += at
		raw = append(raw, math.Round(at*1000))
	}
	t.Issued, t.Raw = len(raw), map[unit.Series][]float64{unit.Response: raw}
	sorted := sortedMS(raw)
	t.Metrics["p50-ms"], _ = unit.Nearest(sorted, 0, 50)
	if t.Issued >= 130 {
		t.Metrics["p95-ms"], _ = unit.Nearest(sorted, 0, 95)
	}
	rate := float64(users) * float64(t.Issued) / sum * 1000
	t.Metrics["rps"], t.Metrics["emb/s"] = rate, rate
	return t
}

func sortedMS(us []float64) []float64 {
	var out []float64
	for _, v := range us {
		out = append(out, v/1000)
	}
	slices.Sort(out)
	return out
}

// tally counts the rows of runs on two stacks, and those of which one is best.
type tally struct{ rows, best, right map[string]int }

// repeat measures two stacks that many times on some loads, the second by a
// factor slower; pairs says how many leaves are measured again.
func (m machine) repeat(t *testing.T, runs, trials, pairs int, slower float64) tally {
	t.Helper()
	out := tally{map[string]int{}, map[string]int{}, map[string]int{}}
	for range runs {
		run := &results.Run{Units: map[unit.Name]results.UnitMeta{"p50-ms": {Better: -1}, "p95-ms": {Better: -1}, "emb/s": {Better: 1}}}
		run.Env.Plan.Trials = trials
		for number := 1; number <= trials; number++ {
			for i, conc := range []int{1, 4, 16} {
				first := name("Embeddings", "a", "m", "text", 1, conc, 0)
				second := name("Embeddings", "b", "m", "text", 1, conc, 0)
				ms := 9 * float64(conc)
				run.Trials = append(run.Trials, m.trial(first, number, ms), m.trial(second, number, ms*slower))
				if i < pairs {
					again := m.trial(first, number, ms)
					again.Again = true
					run.Trials = append(run.Trials, again)
				}
			}
		}
		table, err := Stacks(run)
		require.NoError(t, err)
		for _, row := range table.Blocks[0].Rows {
			if row.Unit == "" || row.Wide != "" {
				continue
			}
			out.rows[row.Unit]++
			for i, c := range row.Cells {
				if c.Remark == best {
					out.best[row.Unit]++
					if i == 0 {
						out.right[row.Unit]++
					}
				}
			}
		}
	}
	t.Logf("%d runs of %d trials, %d pairs, ×%.2f: rows %v, best %v, of them the faster %v", runs, trials, pairs, slower, out.rows, out.best, out.right)
	return out
}

// TestBestOfTwoAlike measures how often one of two stacks that are the same is
// called the best: in at most one row of twenty.
func TestBestOfTwoAlike(t *testing.T) {
	m := machine{rand.New(rand.NewPCG(11, 12))}
	for _, c := range []struct{ trials, runs int }{{1, 200}, {2, 50}, {6, 30}} {
		for _, pairs := range []int{0, 3} {
			got := m.repeat(t, c.runs, c.trials, pairs, 1)
			rows, wrong := 0, 0
			for unit, n := range got.rows {
				rows, wrong = rows+n, wrong+got.best[unit]
			}
			require.Positive(t, rows)
			require.LessOrEqual(t, float64(wrong), 0.05*float64(rows))
		}
	}
}

// TestBestOfTwoThatDiffer measures how often the faster of two stacks is called
// the best when the other takes 30 % longer, or with six trials 15 %.
func TestBestOfTwoThatDiffer(t *testing.T) {
	m := machine{rand.New(rand.NewPCG(13, 14))}
	one := m.repeat(t, 100, 1, 3, 1.3)
	six := m.repeat(t, 20, 6, 3, 1.15)
	for _, got := range []tally{one, six} {
		for _, unit := range []string{"p50-ms", "emb/s"} {
			require.GreaterOrEqual(t, float64(got.right[unit]), 0.9*float64(got.rows[unit]), unit)
		}
		require.Equal(t, got.best, got.right, "the slower one is never the best")
	}
	require.GreaterOrEqual(t, float64(one.right["p95-ms"]), 0.5*float64(one.rows["p95-ms"]))
}

// row judges one row of values.
func row(better int, values ...measured) []string {
	c := contest{threshold: 0.05, floor: 0.12}
	var out []string
	for i := range values {
		if values[i].text == "" {
			values[i].text = fmt.Sprint(values[i].value)
		}
	}
	for _, cell := range c.judge(values, better) {
		out = append(out, cell.remark())
	}
	return out
}

func one(value float64) measured {
	return measured{value: value, ok: true, trials: []float64{value}, span: span{value * 0.98, value * 1.02}}
}

func TestWhoIsBest(t *testing.T) {
	wide := one(70)
	wide.span = span{50, 90}
	unknown := one(70)
	unknown.span = span{}
	doubtful := one(20)
	doubtful.doubt = true
	wrong := doubtful
	wrong.out = true
	several := func(centre float64, n int) measured {
		m := one(centre)
		m.trials, m.span = around(centre, n), span{}
		return m
	}
	for name, c := range map[string]struct{ got, want []string }{
		"over the floor, apart":        {row(-1, one(50), one(60)), []string{"best", "(+20%)"}},
		"higher is better":             {row(1, one(50), one(60)), []string{"(−17%)", "best"}},
		"within the floor":             {row(-1, one(50), one(55)), []string{"level", "(+10%, level)"}},
		"intervals touch":              {row(-1, one(50), wide), []string{"undecided", "(+40%, undecided)"}},
		"no interval":                  {row(-1, one(50), unknown), []string{"undecided", "(+40%, undecided)"}},
		"one of three is level":        {row(-1, one(50), one(51), one(80)), []string{"level", "(+2.0%, level)", "(+60%)"}},
		"alone":                        {row(-1, one(50), measured{}), []string{"", ""}},
		"no direction":                 {row(0, one(50), one(80)), []string{"", ""}},
		"the other in doubt":           {row(-1, one(50), doubtful), []string{"", "! (−60%)"}},
		"a third in doubt":             {row(-1, one(50), one(80), doubtful), []string{"undecided", "(+60%)", "! (−60%)"}},
		"a third that answers wrongly": {row(-1, one(50), one(80), wrong), []string{"best", "(+60%)", "! (−60%)"}},
		"all in doubt":                 {row(-1, doubtful, doubtful), []string{"!", "!"}},
		"six trials":                   {row(-1, several(50, 6), several(55, 6)), []string{"best", "(+10%)"}},
		"six trials, under 5 %":        {row(-1, several(50, 6), several(52, 6)), []string{"level", "(+4.0%, level)"}},
		"three trials, no interval":    {row(-1, several(50, 3), several(80, 3)), []string{"undecided", "(+60%, undecided)"}},
	} {
		require.Equal(t, c.want, c.got, name)
	}
}

// TestOpenLoopsRatesAreNotRanked: they are what was offered.
func TestOpenLoopsRatesAreNotRanked(t *testing.T) {
	text, _ := table(t, run(t, quick(),
		trial(name("Embeddings", "a", "m", "text", 1, 0, 20), 1, 20, 30, 20), trial(name("Embeddings", "b", "m", "text", 1, 0, 20), 1, 40, 60, 10)))
	require.Regexp(t, `p50-ms +20.0  best +40.0  \(\+100%\)`, text)
	require.Regexp(t, `(?m)emb/s +20.0 +10.0$`, text)
}

func TestAStackMeasuredAgainHasARowOfItsOwn(t *testing.T) {
	leaf := name("Embeddings", "embedded", "m", "text", 1, 4, 0)
	again := trial(leaf, 1, 50, 62, 79)
	again.Again = true
	other := trial(name("Embeddings", "other", "m", "text", 1, 4, 0), 1, 49, 71, 82)
	r := run(t, quick(), trial(leaf, 1, 40, 60, 100), other, again)
	text, _ := table(t, r)
	require.Contains(t, text, "embedded again: p50 +25%, p95 +3.3%, emb/s −21%")
	require.Contains(t, text, "noise floor of 27 % in medians and rates, 20 % in p95 and p99")
	require.Contains(t, text, "1 pair of embedded with itself here, which differed by up to 26.6 % in medians and rates, 3.3 % in p95 and p99.")
	require.Regexp(t, `(?m)^embeddings · m · rest · text +embedded +other$`, text, "no column of its own")
	require.NotContains(t, text, " best", "a fifth slower, on a machine that makes a quarter by itself")
	_, _, ok := r.Pooled(leaf.String(), unit.Response)
	require.True(t, ok)
}

func TestOnlyPairsThatCanBeBelievedCount(t *testing.T) {
	leaf := name("Embeddings", "embedded", "m", "text", 1, 0, 20)
	first, again := trial(leaf, 1, 40, 60, 20), trial(leaf, 1, 80, 60, 10)
	again.Again = true
	n := noiseOf(pairsOf([]results.Trial{first, again}))
	require.InDeltaSlice(t, []float64{1}, n.centre, 1e-9, "of p50 alone: the rate was offered")
	again.Doubts = []results.Reason{{Rule: "foreign", Text: "somebody else"}}
	require.Empty(t, noiseOf(pairsOf([]results.Trial{first, again})).centre)
	require.InDelta(t, leastFloor, noise{}.floor("p50-ms"), 0)
	require.InDelta(t, 3.182*0.05, noise{centre: []float64{0.05, 0.05, 0.05}}.floor("rps"), 1e-9)
}

// TestIntervalsHoldTheTruth measures how often a trial's 95 % intervals hold the
// percentile and rate of an endless window of the same process.
func TestIntervalsHoldTheTruth(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	sample := func(n int) []float64 {
		wave := rng.NormFloat64() * 0.05 / math.Sqrt(1-0.49)
		out := make([]float64, n)
		for i := range out {
			wave = 0.7*wave + 0.05*rng.NormFloat64()
			out[i] = 40 * math.Exp(wave+0.1*rng.NormFloat64())
		}
		return out
	}
	endless := sample(400_000)
	sum := 0.0
	for _, v := range endless {
		sum += v
	}
	rate := 4000 * float64(len(endless)) / sum
	slices.Sort(endless)
	const times = 300
	for _, n := range []int{30, 150, 700} {
		var p50, p95, rates int
		for range times {
			s := sample(n)
			within := func(at span, truth float64) int {
				if at.low <= truth && truth <= at.high {
					return 1
				}
				return 0
			}
			own := 0.0
			for _, v := range s {
				own += v
			}
			p50 += within(percentileSpan(s, 0, 0.5), endless[len(endless)/2])
			p95 += within(percentileSpan(s, 0, 0.95), endless[len(endless)*95/100])
			rates += within(rateSpan(s, 4000*float64(n)/own), rate)
		}
		t.Logf("%d requests: p50 %d, p95 %d, rate %d of %d", n, p50, p95, rates, times)
		for _, held := range []int{p50, p95, rates} {
			require.GreaterOrEqual(t, held, times*88/100)
		}
	}
	require.False(t, percentileSpan(sample(9), 0, 0.5).known())
}
