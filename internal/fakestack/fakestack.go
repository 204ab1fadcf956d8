// Package fakestack is a stack whose server is the test's own binary, and behaves as
// it is told: right, slow, wrong, dying or cheating. It also has the models that such
// servers know the right answers of, and a machine on which nobody else works.
package fakestack

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stackbench"
	"stackbench/internal/quality"
	"stackbench/internal/stack"
)

// envBehave makes this test binary a stack's server that behaves as it says.
const envBehave = "STACKBENCH_TEST_BEHAVE"

// Serve makes the process a fake stack's server where it was started as one, and does
// not return then. A TestMain calls it first.
func Serve() {
	if how := os.Getenv(envBehave); how != "" {
		fmt.Fprintln(os.Stderr, behave(how, os.Args[1]))
		os.Exit(3)
	}
}

// New is a stack that embeds texts as OpenAI's contract has it, and behaves as it is
// told: see behave.
func New(t testing.TB, name, how string) stack.Stack {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("STACKBENCH_BIN_"+strings.ToUpper(name), exe)
	return stack.Stack{
		Name: name,
		Process: &stack.Process{
			Go: "not built", StartLimit: 2 * time.Second,
			Args: func(r stack.Run) []string { return []string{r.Listen.REST} },
			Env:  func(stack.Run) []string { return []string{envBehave + "=" + how} },
		},
		Serves: []stack.Capability{{Task: stack.Embeddings, Proto: stack.REST, Input: stack.Text, Contract: stack.OpenAI}},
	}
}

// Texts is a stack that generates text over a transport, as OpenAI's contract has it,
// and behaves as it is told: see completions.
func Texts(t testing.TB, name, how string, over stack.Proto) stack.Stack {
	t.Helper()
	s := New(t, name, "text:"+how)
	s.Serves = []stack.Capability{{Task: stack.TextGeneration, Proto: over, Input: stack.Text, Contract: stack.OpenAI}}
	s.Telemetry = stack.VLLMMetrics
	return s
}

// Images is a stack that classifies JPEGs by the Open Inference Protocol, and behaves
// as it is told: see serveImages.
func Images(t testing.TB, name, how string) stack.Stack {
	t.Helper()
	s := New(t, name, "image:"+how)
	s.Serves = []stack.Capability{{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.OIP}}
	return s
}

// Patient gives a stack the time to start that a busy machine takes.
func Patient(s stack.Stack) stack.Stack {
	s.Process.StartLimit = time.Minute
	return s
}

// behave serves until it fails. Of embeddings, how is one of: right; nonsense=N,
// empty=N, refusal=N and dies=N, which are right for N requests; taken=ADDR, which
// wants a port that is not free; honest, which computes for a while, and bytes, words
// and garbage, which cheat in front of it.
func behave(how, addr string) error {
	kind, value, _ := strings.Cut(how, "=")
	if kind == "taken" {
		addr = value
	}
	n, _ := strconv.ParseInt(value, 10, 64)
	golden, err := quality.ReadGolden(stackbench.Testdata(), MiniLM)
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
