package runner

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signals turns Ctrl-C into what a person expects of a long run. The first one
// closes ending: the current window is finished and kept. A second one, or
// SIGTERM, cancels the context: everything is stopped at once. release gives
// the signals back.
func Signals(parent context.Context) (ctx context.Context, ending <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	first := make(chan struct{})
	go func() {
		asked := false
		for s := range signals {
			if s == os.Interrupt && !asked {
				asked = true
				close(first)
				continue
			}
			cancel()
		}
	}()
	return ctx, first, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}
