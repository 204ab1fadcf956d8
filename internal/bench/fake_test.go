package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/cpuset"
	"stackbench/internal/fake"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/quality"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/task"
	"stackbench/internal/trial"
	"stackbench/internal/workload"
)

const minilm = "all-minilm-l6-v2"

// envBehave makes this test binary a stack's server that behaves as it says.
const envBehave = "BENCH_TEST_BEHAVE"

func TestMain(m *testing.M) {
	if how := os.Getenv(envBehave); how != "" {
		fmt.Fprintln(os.Stderr, behave(how, os.Args[1]))
		os.Exit(3)
	}
	os.Exit(mainly(m))
}

// behave serves OpenAI embeddings until it fails. how is one of: right;
// nonsense=N and dies=N, which are right for N requests; taken=ADDR, which
// wants a port that is not free; honest, which computes for a while, and
// bytes, words and garbage, which cheat in front of it.
func behave(how, addr string) error {
	kind, value, _ := strings.Cut(how, "=")
	if kind == "taken" {
		addr = value
	}
	n, _ := strconv.ParseInt(value, 10, 64)
	golden, err := quality.ReadGolden(stackbench.Testdata(), minilm)
	if err != nil {
		return err
	}
	ids, err := idsOfTexts()
	if err != nil {
		return err
	}
	var count atomic.Int64
	died := make(chan error, 1)
	users := &crowd{users: map[string]bool{}}
	if texts, ok := strings.CutPrefix(how, "text:"); ok {
		serveTexts(texts, users)
	}
	if images, ok := strings.CutPrefix(how, "image:"); ok {
		if err := serveImages(images); err != nil {
			return err
		}
	}
	http.Handle("POST /v1/embeddings", cheating(kind, golden, ids, func(w http.ResponseWriter, r *http.Request) {
		var ask struct{ Input []string }
		_ = json.NewDecoder(r.Body).Decode(&ask)
		switch now := count.Add(1); {
		case kind == "nonsense" && now > n:
			_, _ = w.Write([]byte(`<html>it works!</html>`))
			return
		case kind == "empty" && now > n:
			return
		case kind == "refusal" && now > n:
			_, _ = w.Write([]byte(`{"error":{"message":"out of memory"}}`))
			return
		case kind == "dies" && now > n:
			died <- fmt.Errorf("out of luck after %d requests", n)
			return
		}
		_, _ = w.Write(embeddings(golden, ids, ask.Input))
	}))
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{ConnState: users.leave}
	go func() { died <- server.Serve(l) }()
	return <-died
}

// cheating puts in front of an honest server what the kind says.
func cheating(kind string, g *quality.Golden, ids map[string]string, right http.HandlerFunc) http.Handler {
	honest := fake.Computes(5*time.Millisecond, right)
	switch kind {
	case "honest":
		return honest
	case "bytes":
		return fake.Remembers(fake.Bytes, honest)
	case "words":
		return fake.Remembers(fake.Words, honest)
	case "garbage":
		texts := func(body []byte) []string {
			var ask struct{ Input []string }
			_ = json.Unmarshal(body, &ask)
			return ask.Input
		}
		committed := func(body []byte) bool {
			_, ok := ids[plain(strings.Join(texts(body), " "))]
			return ok
		}
		return fake.Pretends(committed, func(body []byte) []byte { return embeddings(g, ids, make([]string, len(texts(body)))) }, honest)
	}
	return right
}

func idsOfTexts() (map[string]string, error) {
	have, err := workload.Count(stackbench.Testdata())
	ids := map[string]string{}
	for bucket := range have.Texts {
		list, err := workload.NewTexts(stackbench.Testdata(), bucket)
		if err != nil {
			return nil, err
		}
		for _, t := range list.Known() {
			ids[plain(t.Text)] = t.ID
		}
	}
	return ids, err
}

func plain(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

func embeddings(g *quality.Golden, ids map[string]string, texts []string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"object":"list","model":"m","usage":{"prompt_tokens":1,"total_tokens":1},"data":[`)
	for i, t := range texts {
		if i > 0 {
			b.WriteByte(',')
		}
		v, _ := json.Marshal(answerTo(g, ids, t))
		fmt.Fprintf(&b, `{"object":"embedding","index":%d,"embedding":%s}`, i, v)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// answerTo is the golden embedding, or of a text that was made one that depends
// on its words alone.
func answerTo(g *quality.Golden, ids map[string]string, text string) []float32 {
	if v, ok := g.Answers[ids[plain(text)]]; ok {
		return v
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(plain(text)))
	rng := rand.New(rand.NewPCG(h.Sum64(), 0))
	v := make([]float32, 384)
	for i := range v {
		v[i] = float32(rng.NormFloat64() / math.Sqrt(float64(len(v))))
	}
	return v
}

// fakeStack is a stack whose server is this test binary.
func fakeStack(t testing.TB, name, how string) stack.Stack {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	t.Setenv("STACKBENCH_BIN_"+strings.ToUpper(name), exe)
	return stack.Stack{
		Name: name,
		Process: &stack.Process{
			Go: "not built", StartLimit: 2 * time.Second, Needs: stack.ONNXRuntime,
			Args: func(r stack.Run) []string { return []string{r.Listen.REST} },
			Env:  func(stack.Run) []string { return []string{envBehave + "=" + how} },
		},
		Serves: []stack.Capability{{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI}},
	}
}

func textCase(batch, conc int) suite.Case {
	return suite.Case{Task: stack.Embeddings, Model: minilm, Proto: stack.REST, Input: stack.Text, Batch: batch, Load: suite.Closed(conc)}
}

// testRun measures a group of two cases, or those given, with nothing fetched
// and a short window.
func testRun(t testing.TB, cases ...suite.Case) (*run, *bytes.Buffer) {
	t.Helper()
	if len(cases) == 0 {
		cases = []suite.Case{textCase(1, 1), textCase(2, 2)}
	}
	known, err := quality.ReadGolden(stackbench.Testdata(), minilm)
	require.NoError(t, err)
	all, err := cpuset.Usable()
	require.NoError(t, err)
	e := &host.Host{
		Options: suite.Options{Window: 600 * time.Millisecond, Launcher: "process", Record: suite.Record{Trial: 1, Seed: 9}},
		Cache:   t.TempDir(), Device: stack.CPU, Library: "fake: no test loads it", Stat: idle(all),
		Models: map[string]*host.Prepared{minilm: {
			Served: task.Served{Model: stack.Model{Name: minilm, Task: stack.Embeddings}, Source: known.Source, SHA256: known.SHA256, Width: 384},
		}},
	}
	e.Client, e.Cores, _ = cpuset.Split(all)
	require.NoError(t, os.MkdirAll(e.Cache+"/models/"+minilm, 0o755))
	log, err := results.Create(t.TempDir(), "test", time.Now(), results.Env{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, log.Close()) })
	var notes bytes.Buffer
	r := trial.NewRig(e, suite.Group{Name: "embeddings", Title: "Embeddings", Cases: cases}, &notes)
	r.Golden.Models[minilm] = &golden.Reference{Prepared: e.Models[minilm], Right: task.Right{Golden: known}}
	r.KeepHistograms = true
	return &run{Rig: r, log: log, marks: io.Discard}, &notes
}

// set changes what was asked for, everywhere.
func (r *run) set(change func(o *suite.Options)) {
	change(&r.Options)
	change(&r.Host.Options)
	change(&r.Golden.Supply.Options)
}

// measured runs all cases on the stack, as Run does, and returns what was
// recorded and whether the benchmark failed.
func measured(ctx context.Context, t *testing.T, r *run, s stack.Stack) (trials []results.Trial, failed bool) {
	t.Helper()
	testing.Benchmark(func(b *testing.B) {
		r.cases(ctx, b, s, minilm)
		failed = b.Failed()
	})
	kept, err := results.Open(r.log.Dir())
	require.NoError(t, err)
	return kept.Trials, failed
}

// session of a stack that is stopped when the test ends.
func testSession(t *testing.T, r *run, s stack.Stack) *trial.Subject {
	t.Helper()
	ses := r.Subject(s, r.Golden.Models[minilm])
	t.Cleanup(func() { require.NoError(t, ses.Stop(context.Background())) })
	return ses
}
