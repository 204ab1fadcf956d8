// Package app is the embedded server as a function: flags in, exit code out.
package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/rest"
	"stackbench/stacks/embedded/internal/rpc"
	"stackbench/stacks/embedded/internal/service"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // the server could not start, or ended by itself
	exitWrong  = 2 // the command line is wrong
)

// grace is how long requests under way may take after a signal to stop.
const grace = 5 * time.Second

// Main runs the server until SIGTERM or SIGINT and returns the exit code.
// Help goes to out; one line when ready and two lines on an error, what went
// wrong and what to do, go to log.
func Main(args []string, out, log io.Writer) int {
	c, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		err = serve(ctx, c, log)
	}
	if err == nil {
		return exitDone
	}
	p := &problem{err: err, cure: "see the message above", code: exitFailed}
	errors.As(err, &p)
	fmt.Fprintf(log, "server: %v\n%s\n", p.err, p.cure)
	return p.code
}

// serve listens, loads the model and answers until ctx ends.
func serve(ctx context.Context, c config, log io.Writer) error {
	restListener, grpcListener, err := open(c.listen)
	if err != nil {
		return err
	}
	m := metrics.New(c.store.model)
	api, calls := rest.New(m), rpc.New(rest.Name, m)
	server := &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second}
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return ended(server.Serve(restListener)) })
	if grpcListener != nil {
		group.Go(func() error { return ended(calls.Server.Serve(grpcListener)) })
	}
	var loaded model
	group.Go(func() error {
		var err error
		if loaded, err = load(c, m); err != nil {
			return err
		}
		api.Ready(loaded.service)
		calls.Ready(loaded.service)
		fmt.Fprintln(log, readyLine(loaded.service.Info(), restListener, grpcListener))
		return nil
	})
	group.Go(func() error {
		<-inner.Done()
		limit, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		var stopping errgroup.Group
		stopping.Go(func() error { calls.Stop(grace); return nil })
		stopping.Go(func() error { _ = server.Shutdown(limit); return server.Close() })
		stopping.Go(func() error { api.Stop(limit); return nil })
		return stopping.Wait()
	})
	err = group.Wait()
	if loaded.close != nil {
		loaded.close()
	}
	return err
}

func readyLine(i service.Info, restListener, grpcListener net.Listener) string {
	line := fmt.Sprintf("ready: %s on %s, HTTP at %s", i.Model, i.Runtime, restListener.Addr())
	if grpcListener != nil {
		line += fmt.Sprintf(", gRPC at %s", grpcListener.Addr())
	}
	return line
}

// open takes the ports first: one that is in use is known before the weights
// are read.
func open(l listen) (restListener, grpcListener net.Listener, err error) {
	const cure = "choose another port, or end the process that has this one"
	if restListener, err = net.Listen("tcp", l.rest); err != nil {
		return nil, nil, &problem{fmt.Errorf("listen for HTTP: %w", err), cure, exitFailed}
	}
	if l.grpc == "" {
		return restListener, nil, nil
	}
	if grpcListener, err = net.Listen("tcp", l.grpc); err != nil {
		restListener.Close()
		return nil, nil, &problem{fmt.Errorf("listen for gRPC: %w", err), cure, exitFailed}
	}
	return restListener, grpcListener, nil
}

// ended hides the errors with which servers report that they were told to stop.
func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}
