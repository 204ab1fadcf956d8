// Package meter turns the records of a measured window into the metrics that
// stackbench publishes: one table of units with their definitions, the
// percentiles, the rules under which a number may be shown, and the verdict
// whether the window was in a steady state.
package meter

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Better is the direction in which a unit improves.
type Better string

const (
	Lower   Better = "lower"
	Higher  Better = "higher"
	Neither Better = "" // describes the run, judges nothing
)

// Unit is one metric: its name in the benchmark stream is the name of its unit.
type Unit struct {
	Name       string
	Definition string
	Better     Better
	Where      string  // the groups that report it, and under which load or device
	Threshold  float64 // smallest relative change that counts as one
}

// threshold is the relative change below which two runs are called the same,
// for every unit that states no other.
const threshold = 0.05

// rare is the threshold of a unit that says how well was measured, not what:
// tenfold.
const rare = 9

// Units is the one table of units that code, README and report follow, in the
// order in which results are read.
func Units() []Unit {
	units := []Unit{
		{Name: "ns/op", Better: Lower, Where: "all", Definition: "wall time of the window (its issue span) ÷ completed requests; one that failed was not completed"},
		{Name: "p50-ms", Better: Lower, Where: "all", Definition: "median response time: closed loop `t_last − t_send`, open loop `t_last − t_sched`; nearest rank over the raw pooled sample, a failure counts as +∞; needs 11 requests"},
		{Name: "p95-ms", Better: Lower, Where: "all", Definition: "95th percentile of the response time, by the rule of `p50-ms`; needs 130 requests"},
		{Name: "p99-ms", Better: Lower, Where: "all", Definition: "99th percentile of the response time, by the rule of `p50-ms`; needs 662 requests"},
		{Name: "ttft-ms", Better: Lower, Where: "text_generation, batch_serving, streams", Definition: "median time to the first chunk with text, counted from when `p50-ms` counts; a role, an empty chunk or a count is no text; a failure counts as +∞; needs 11 requests"},
		{Name: "ttft-p95-ms", Better: Lower, Where: "text_generation, batch_serving, streams", Definition: "95th percentile of the time to the first chunk with text, by the rule of `ttft-ms`; needs 130 requests"},
		{Name: "itl-ms", Better: Lower, Where: "text_generation, batch_serving, streams", Definition: "median over requests of (t_last − t_first) ÷ (n_last − n_first): of the first chunk with text and of the last event that brought tokens, with text or without, the times and the tokens that had come, by the server's own count or, where there are as many chunks as tokens, one in each; answers of one token have none, a failure counts as +∞; needs 11 requests. vLLM calls it TPOT, AIPerf ITL"},
		{Name: "chunk-gap-p99-ms", Better: Lower, Where: "text_generation, batch_serving, streams", Definition: "99th percentile of the times between chunks with text, of all streams together; a failure counts as one gap of +∞; needs 662 gaps. vLLM calls these gaps ITL"},
		{Name: "tok/s", Better: Higher, Where: "text_generation, batch_serving", Definition: "generated tokens of good answers, as the server counts them, ÷ issue span"},
		{Name: "goodput-rps", Better: Higher, Where: "text_generation, batch_serving, streams", Definition: "good answers within the group's stated limits of TTFT and ITL ÷ issue span; an answer without an ITL is not within a limit of it"},
		{Name: "rps", Better: Higher, Where: "all", Definition: "good answers ÷ issue span; the span is the window in an open loop, and in a closed one the mean over its users of the time from the first issue to the end of the last request"},
		{Name: "ok-%", Better: Higher, Where: "all", Definition: "good answers ÷ issued requests"},
		{Name: "img/s", Better: Higher, Where: "image_classification, batch_serving", Definition: "images classified per second, in good answers"},
		{Name: "emb/s", Better: Higher, Where: "embeddings, batch_serving", Definition: "embeddings per second, in good answers"},
		{Name: "batch-mean", Better: Neither, Where: "all", Definition: "realised mean batch: Δ inferences ÷ Δ executions from the server's own counters; of generated text, Δ tokens ÷ Δ steps of the decoder"},
		{Name: "batch-eff", Better: Higher, Where: "all", Definition: "`batch-mean` ÷ the maximum that was asked for, or the server's own where it says that it joins less, %"},
		{Name: "max-batch", Better: Neither, Where: "batch_serving", Definition: "largest batch seen, from the server's own counters; where these are a histogram, the bound of its last bucket; where it only tells how many run now, the most of these, read twice a second"},
		{Name: "queue-depth", Better: Neither, Where: "batch_serving", Definition: "mean requests waiting in the server, from its own gauge, read twice a second; where that counts texts, these ÷ the texts of a request, and nothing where requests differ in them"},
		{Name: "queue-ms", Better: Lower, Where: "batch_serving", Definition: "mean time in the server's queue, from its own counters; of several texts in a request, TEI's mean over them"},
		{Name: "answer-err", Better: Lower, Where: "image_classification, embeddings", Definition: "largest difference of a number of a checked answer from the reference's ÷ the largest of the reference's numbers (of logits at least 1): what a stack rounds, or computes in fewer bits, shows in it"},
		{Name: "knee-rps", Better: Higher, Where: "batch_serving", Definition: "highest rate of an open loop whose p99 holds the group's stated limit: bracketed, then bisected to 10 %; a probe goes on until the interval of its share of requests within the limit is clear of 99 %, or stays open. Shown with the rates between which the answer lies"},
		{Name: "users", Better: Higher, Where: "text_generation", Definition: "most concurrent users of a closed loop for whom the group's stated limits of TTFT and ITL hold in at least 95 % of the answers: bracketed, then bisected to 10 % or one user; a probe goes on until the interval of that share is clear of 95 %, or stays open. Shown with the numbers between which the answer lies"},
		{Name: "prefix-hit-%", Better: Neither, Where: "text_generation", Definition: "tokens of prompts that the server had of earlier prompts and did not compute ÷ all of them, from its own counters"},
		{Name: "cpu-util", Better: Neither, Where: "all", Definition: "CPU seconds of the stack ÷ (window × its cores), %"},
		{Name: "foreign-%", Better: Lower, Threshold: rare, Where: "all", Definition: "CPU of the stack's cores that neither the stack nor the client used, in % of the window: 100 % less idle, waiting for disks, stolen by the hypervisor, and own; of several windows, of the worst. It is the machine's doing, not the stack's"},
		{Name: "mem-MB", Better: Lower, Where: "all", Definition: "peak memory of the stack in the window, read ten times a second: of a container's cgroup or of a process tree, in both less the pages that mirror files (cache, mapped libraries and weights), so that launchers compare"},
		{Name: "mem-per-1k-emb-MB", Better: Lower, Where: "embeddings", Definition: "peak memory of the stack while it embeds 1,000 texts at the run's batch size, less its memory when idle after warm-up"},
		{Name: "ready-s", Better: Lower, Where: "all", Definition: "start of the stack → first correct answer; image pull or build excluded"},
		{Name: "gpu-util", Better: Neither, Where: "all, GPU", Definition: "mean % of time with a kernel resident, over the window, summed over the stack's GPUs ÷ count; busyness, not efficiency"},
		{Name: "gpu-mem-MB", Better: Lower, Where: "all, GPU", Definition: "peak memory of the stack's processes on its GPUs"},
		{Name: "J/answer", Better: Lower, Where: "all, GPU", Definition: "(energy counter at end − at start) ÷ good answers, all GPUs summed; idle power reported apart"},
		{Name: "J/item", Better: Lower, Where: "all, GPU", Definition: "the energy of `J/answer` ÷ items of good answers: images, texts, of generated text tokens"},
		{Name: "late-p99-ms", Better: Lower, Where: "all, open loop", Definition: "99th percentile of `t_send − t_sched`; needs 662 requests"},
		{Name: "client-cpu-%", Better: Lower, Where: "all", Definition: "client CPU ÷ its cores"},
	}
	for i := range units {
		if units[i].Threshold == 0 {
			units[i].Threshold = threshold
		}
	}
	return units
}

// UnitLines writes the benchmark format's unit lines, once a stream and before
// any result. benchstat ignores better= and threshold=; our own comparison,
// which reads nothing but results, does not.
func UnitLines(w io.Writer) error {
	for _, u := range Units() {
		if u.Better == Neither {
			continue
		}
		_, err := fmt.Fprintf(w, "Unit %s better=%s threshold=%s\n", u.Name, u.Better, strconv.FormatFloat(u.Threshold, 'g', -1, 64))
		if err != nil {
			return fmt.Errorf("write unit lines: %w", err)
		}
	}
	return nil
}

// Markdown is the table of units as README shows it.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| unit | definition | better | groups |\n|---|---|---|---|\n")
	for _, u := range Units() {
		better := string(u.Better)
		if u.Better == Neither {
			better = "–"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", u.Name, u.Definition, better, u.Where)
	}
	return b.String()
}

// Metric is one measured value.
type Metric struct {
	Unit  string
	Value float64
}

// Withheld is a metric that is not published, and why. Reasons name the rule,
// not the count, so that a table can add up the cells that one rule emptied.
type Withheld struct {
	Unit   string
	Reason string
}

// smallest is the least value that the testing package does not print as
// 0.0000000. A zero makes a geometric mean impossible, and so is withheld.
const smallest = 1e-7

// Reporter is what testing.B offers for the values of its result line.
type Reporter interface {
	ReportMetric(value float64, unit string)
}

// Report hands every metric to the benchmark's result line. Without any, ns/op
// is set to 0, which makes testing print none of its own.
func (s Summary) Report(r Reporter) {
	r.ReportMetric(0, "ns/op")
	for _, m := range s.Metrics {
		r.ReportMetric(m.Value, m.Unit)
	}
}

// ledger sorts values into the published and the withheld.
type ledger struct {
	metrics  []Metric
	withheld []Withheld
}

// put publishes a value, unless it is one that the benchmark stream cannot hold.
func (l *ledger) put(unit string, v float64) {
	switch {
	case math.IsNaN(v):
		l.withhold(unit, "not a number")
	case math.IsInf(v, 0):
		l.withhold(unit, "infinite")
	case v < 0:
		l.withhold(unit, "negative")
	case v < smallest:
		l.withhold(unit, "zero")
	default:
		l.metrics = append(l.metrics, Metric{unit, v})
	}
}

func (l *ledger) withhold(unit, reason string) {
	l.withheld = append(l.withheld, Withheld{unit, reason})
}
