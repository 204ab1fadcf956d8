package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/quality"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/task"
	"stackbench/internal/telemetry"
	"stackbench/internal/trial"
	"stackbench/internal/unit"
	"stackbench/internal/workload"
)

const gpt2 = "gpt2"

// completions answers as OpenAI's /v1/completions streams. how is one of:
// texts, which is right; off, which gives other texts than PyTorch; short, a
// token too few; cut, which closes early; fault, an error within the stream;
// babble, which is right where a prompt is committed, and makes up the rest at
// once; claims, which is right there, too, and elsewhere sends the first token
// alone and counts them all; begins, which is right there, too, and elsewhere
// makes up all after the first word; halves, which elsewhere sends half and
// counts all at the end; full, a
// status 429; cached, which is right and says that it had every prompt;
// crowd=N, which gives more users than N their text at once, so that it has no
// time per token.
func completions(how string, w http.ResponseWriter, r *http.Request, active int64) {
	var ask struct {
		Prompt    string
		Stream    bool
		MaxTokens int `json:"max_tokens"`
	}
	_ = json.NewDecoder(r.Body).Decode(&ask)
	kind, value, _ := strings.Cut(how, "=")
	if kind == "full" {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = fmt.Fprint(w, `{"error":{"message":"full"}}`)
		return
	}
	pieces := pieces(ask.Prompt, ask.MaxTokens)
	var most int64
	if _, err := fmt.Sscan(value, &most); err == nil && active > most {
		sendOnce(w, strings.Join(pieces, ""), len(pieces))
		return
	}
	if kind == "babble" && pieces[0] == "x " {
		pieces = strings.SplitAfter(strings.Repeat(" a", len(pieces)), "a")[:len(pieces)]
	}
	if kind == "claims" && pieces[0] == "x " {
		sendOnce(w, pieces[0], len(pieces))
		return
	}
	if kind == "begins" && pieces[0] == "x " {
		pieces = append(pieces[:1], strings.SplitAfter(strings.Repeat("a ", len(pieces)-1), " ")[:len(pieces)-1]...)
	}
	claim := len(pieces)
	if kind == "halves" && pieces[0] == "x " {
		pieces = pieces[:max(1, claim/2)]
	}
	if kind == "off" {
		pieces[0] = " something else"
	}
	if kind == "short" {
		pieces = pieces[1:]
	}
	if !ask.Stream {
		text, _ := json.Marshal(strings.Join(pieces, ""))
		_, _ = fmt.Fprintf(w, `{"choices":[{"index":0,"text":%s,"finish_reason":"length"}],"usage":{"completion_tokens":%d}}`, text, len(pieces))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i, piece := range pieces {
		text, _ := json.Marshal(piece)
		finish := "null"
		if i == len(pieces)-1 {
			finish = `"length"`
		}
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"text\":%s,\"finish_reason\":%s}],\"usage\":{\"completion_tokens\":%d}}\n\n", text, finish, i+1)
		w.(http.Flusher).Flush()
		switch {
		case kind == "cut" && i == 2:
			panic(http.ErrAbortHandler)
		case kind == "fault" && i == 2:
			_, _ = fmt.Fprint(w, "data: {\"error\":{\"message\":\"out of memory\"}}\n\n")
			return
		}
	}
	if kind == "halves" {
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"completion_tokens\":%d}}\n\n", claim)
	}
	_, _ = fmt.Fprint(w, "data: [DONE]\n\n")
}

func sendOnce(w http.ResponseWriter, all string, tokens int) {
	text, _ := json.Marshal(all)
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"text\":%s,\"finish_reason\":\"length\"}],\"usage\":{\"completion_tokens\":%d}}\n\ndata: [DONE]\n\n", text, tokens)
}

// pieces is the golden answer token by token, or so many made ones.
func pieces(prompt string, tokens int) []string {
	golden, err := quality.ReadTexts(stackbench.Testdata(), gpt2)
	if err != nil {
		return nil
	}
	for _, l := range workload.KnownLengths() {
		known, _ := workload.KnownPrompts(stackbench.Testdata(), l)
		for _, p := range known {
			if p.Text != prompt {
				continue
			}
			a, from := golden.Answers[p.ID], 0
			var out []string
			for _, end := range a.Ends[:tokens] {
				out, from = append(out, a.Text[from:end]), end
			}
			return out
		}
	}
	return strings.SplitAfter(strings.Repeat("x ", tokens), " ")[:tokens]
}

// crowd is the connections that are open and have asked for text: the users of
// a closed loop, whether or not each has a request open at this moment.
type crowd struct {
	mu    sync.Mutex
	users map[string]bool
}

func (c *crowd) ask(addr string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users[addr] = true
	return int64(len(c.users))
}

func (c *crowd) leave(conn net.Conn, s http.ConnState) {
	if s == http.StateClosed {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.users, conn.RemoteAddr().String())
	}
}

// serveTexts answers completions, and a page of vLLM's counters.
func serveTexts(how string, users *crowd) {
	var asked atomic.Int64
	http.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(100)
		completions(how, w, r, users.ask(r.RemoteAddr))
	})
	http.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		found := int64(0)
		if how == "cached" {
			found = asked.Load()
		}
		_, _ = fmt.Fprintf(w, "vllm:prefix_cache_queries_total %d\nvllm:prefix_cache_hits_total %d\nvllm:num_requests_waiting 0\n", asked.Load(), found)
	})
}

// textRun measures cases of generated text.
func textRun(t *testing.T, loads ...suite.Load) (*run, *strings.Builder) {
	t.Helper()
	var cases []suite.Case
	for _, l := range loads {
		cases = append(cases, suite.Case{Task: stack.TextGeneration, Model: gpt2, Proto: stack.SSE, Input: stack.Text, Lengths: suite.Chat, Batch: 1, Load: l})
	}
	r, _ := testRun(t, cases...)
	known, err := quality.ReadTexts(stackbench.Testdata(), gpt2)
	require.NoError(t, err)
	r.Group = suite.Group{Name: "text_generation", Title: "TextGeneration", Cases: cases, Limits: suite.Limits{TTFT: time.Second, ITL: 100 * time.Millisecond}}
	r.Golden.Supply.Group = r.Group
	r.Host.Models = map[string]*host.Prepared{gpt2: {
		Served: task.Served{Model: stack.Model{Name: gpt2, Task: stack.TextGeneration}, Source: known.Source, SHA256: known.SHA256},
	}}
	r.Golden.Models = map[string]*golden.Reference{gpt2: {Prepared: r.Host.Models[gpt2], Right: task.Right{Texts: known}}}
	var notes strings.Builder
	r.Notes.To = &notes
	return r, &notes
}

func textStack(t *testing.T, how string) stack.Stack {
	t.Helper()
	s := fakeStack(t, "fake", "text:"+how)
	s.Serves = []stack.Capability{{Task: stack.TextGeneration, Proto: stack.SSE, Input: stack.Text, Contract: stack.OpenAI}}
	s.Telemetry = stack.VLLMMetrics
	return s
}

func measuredTexts(t *testing.T, how string, loads ...suite.Load) results.Trial {
	t.Helper()
	r, notes := textRun(t, loads...)
	s := textStack(t, how)
	testing.Benchmark(func(b *testing.B) { r.cases(context.Background(), b, s, gpt2) })
	kept, err := results.Open(r.log.Dir())
	require.NoError(t, err)
	require.Len(t, kept.Trials, 1, notes.String())
	return kept.Trials[0]
}

func TestTextsAreMeasured(t *testing.T) {
	one := measuredTexts(t, "texts", suite.Closed(2))
	require.Empty(t, one.Error)
	require.Empty(t, one.Invalid)
	require.Equal(t, "TextGeneration/stack=fake/model=gpt2/proto=sse/input=text/tokens=chat/batch=1/load=closed/conc=2", one.Name)
	for _, unit := range []unit.Name{"ttft-ms", "itl-ms", "tok/s", "goodput-rps", "p50-ms"} {
		require.Contains(t, one.Metrics, unit)
	}
	require.Positive(t, one.Answers.Agree)
	require.Equal(t, one.Answers.Checked, one.Answers.Agree)
	require.Contains(t, one.Answers.Rule, "tokens and ends")
	require.Equal(t, "none: the server computed every prompt", one.Withheld["prefix-hit-%"])
}

func TestWrongTextsFailAStart(t *testing.T) {
	for how, want := range map[string]string{
		"off":   "where it was sure",
		"short": "exactly",
		"cut":   `the request ended as "cut"`,
		"fault": `the request ended as "error-event"`,
		"full":  `the request ended as "status" (code 429)`,
	} {
		t.Run(how, func(t *testing.T) {
			one := measuredTexts(t, how, suite.Closed(1))
			require.Contains(t, one.Error, want)
			require.Empty(t, one.Metrics)
		})
	}
}

func TestAPrefixCacheThatAnswersIsInvalid(t *testing.T) {
	one := measuredTexts(t, "cached", suite.Closed(1))
	require.Equal(t, []string{"the server had 100 % of the prompts' tokens in its prefix cache, over 1 %: it did not compute what was asked"}, results.Texts(one.Invalid))
	require.InDelta(t, 100, one.Metrics["prefix-hit-%"], 1e-9)
}

func TestMostUsersWithinTheLimits(t *testing.T) {
	one := measuredTexts(t, "crowd=3", suite.Users())
	require.Empty(t, one.Error)
	require.Equal(t, "TextGeneration/stack=fake/model=gpt2/proto=sse/input=text/tokens=chat/batch=1/load=users", one.Name)
	require.InDelta(t, 1000, one.Knee.TTFTMS, 1e-9)
	if why := one.Withheld["users"]; why != "" { // on a machine that is too busy to say
		require.NotContains(t, one.Metrics, unit.Users)
		return
	}
	require.InDelta(t, 3, one.Metrics["users"], 0)
	require.Equal(t, 4, one.Knee.Probes[0].Users)
	require.False(t, one.Knee.Probes[0].Holds)
	require.NotContains(t, one.Metrics, unit.ITL, "stacks at their own limits are not compared by it")
}

func TestTheServersViewStandsBesideOurs(t *testing.T) {
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	answer := func(sent, first, last, tokens int) record.Record {
		var chunks []time.Duration
		for i := range tokens {
			chunks = append(chunks, at(first-sent+i*(last-first)/(tokens-1)))
		}
		return record.Record{Sent: at(sent), First: at(first), Last: at(last), Output: &record.Output{Chunks: chunks, Tokens: tokens}}
	}
	k := trial.Taken{}
	k.Windows = []meter.Window{{Length: time.Second, Records: []record.Record{
		answer(0, 100, 300, 3), answer(500, 700, 1100, 3), // the second ends after the window
	}}}
	tokens := 60.0
	k.Obs = &trial.Observation{Own: &telemetry.Generation{
		Tokens: &tokens, First: &telemetry.Sum{Count: 2, Seconds: 0.28}, Mean: &telemetry.Sum{Count: 1, Seconds: 0.099},
	}}
	k.Sum.Metrics = []meter.Metric{{Unit: "tok/s", Value: 59}}
	require.Equal(t, []results.View{
		{What: "ttft-mean-ms", Server: 140, Client: 150}, {What: "itl-mean-ms", Server: 99, Client: 100}, {What: "tok/s", Server: 60, Client: 59},
	}, trial.Views(k))
	k.Obs.Own = nil
	require.Empty(t, trial.Views(k))
}
