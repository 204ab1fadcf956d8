package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"stackbench/internal/fake"
)

func TestMain(m *testing.M) {
	fake.Main()
	// judged is stackbench where a script cannot know whether what is measured
	// fails: it exits with 0 for 1.
	testscript.Main(m, map[string]func(){
		"stackbench": func() { os.Exit(stackbench(context.Background(), os.Args[1:], os.Stdout, os.Stderr)) },
		"judged":     func() { os.Exit(stackbench(context.Background(), os.Args[1:], os.Stdout, os.Stderr) / request) },
		"get":        get,
	})
}

// get prints what an address answers: its status, and its body as far as it comes.
func get() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Status)
	_, err = io.Copy(os.Stdout, answer.Body)
	if err != nil {
		log.Fatal(err)
	}
}

// TestScripts runs the command as a person would: testdata/*.txtar. Scripts
// begin in a folder outside the checkout, with a cache of their own.
func TestScripts(t *testing.T) {
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("STACKBENCH_CACHE", e.WorkDir+"/cache")
			e.Setenv("CHECKOUT", root+"/../../..")
			for _, name := range []string{"GOCACHE", "GOPATH", "GOMODCACHE", "GOFLAGS", "GOPROXY", "HOME"} {
				e.Setenv(name, goEnv(name))
			}
			return nil
		},
	})
}
