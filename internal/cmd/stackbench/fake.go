package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"stackbench/internal/conformance"
	"stackbench/internal/fake"
)

// fakeServer serves a conformance fixture: until it is interrupted, or for as
// long as a command runs.
func fakeServer(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flags("fake", "fake --script testdata/conformance/role-only.txtar -- curl -sN {url}/v1/chat/completions -d {}", stderr)
	script := f.String("script", "", "fixture to serve, as docs/conformance.md describes; every request gets it")
	listen := f.String("listen", "127.0.0.1:0", "address to serve on; port 0 takes a free one")
	if err := parse(f, args); err != nil {
		return err
	}
	if *script == "" {
		return wrong("fake needs --script\ngive a fixture, such as testdata/conformance/plain.txtar")
	}
	fixture, err := conformance.Load(*script)
	if err != nil {
		return wrong("%w\ndocs/conformance.md describes the format", err)
	}
	server, err := fake.PlayAt(*listen, fixture.Timeline)
	if err != nil {
		return wrong("%w\ngive --listen an address of this machine with a port that is free", err)
	}
	defer server.Close()
	url := "http://" + server.Addr()
	if f.NArg() > 0 {
		return against(ctx, url, f.Args(), stdout, stderr)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	fmt.Fprintf(stdout, "%s\n%s\nserving at %s; a %s client must find:\n  %s\nCtrl-C ends it\n",
		*script, fixture.About, url, fixture.Expect.Contract, strings.Join(fixture.Expect.Lines, "\n  "))
	<-ctx.Done()
	return nil
}

// against runs a command in which {url} is the server, and ends with its exit
// code's meaning: zero or not.
func against(ctx context.Context, url string, args []string, stdout, stderr io.Writer) error {
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{url}", url)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return fmt.Errorf("%s: %w\nwhat it said stands above", args[0], err)
	case err != nil:
		return wrong("run %s: %w\ngive a program that is on PATH behind --", args[0], err)
	}
	return nil
}
