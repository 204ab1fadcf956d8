package main

import (
	"net"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"stackbench/stacks/embedded/internal/tiny"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"server": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			taken, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Defer(func() { taken.Close() })
			e.Setenv("TAKEN", taken.Addr().String())
			e.Setenv("STORE", tiny.Store(t))
			library, _ := tiny.Library() // "" when there is none: the condition skips
			e.Setenv("LIBRARY", library)
			return nil
		},
		Condition: func(name string) (bool, error) {
			_, err := tiny.Library()
			return err == nil, nil // [library] is the only one
		},
	})
}
