package runner

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Interrupted is the cause of a context that a signal ended.
type Interrupted struct{ Signal syscall.Signal }

func (i *Interrupted) Error() string { return fmt.Sprintf("interrupted (%v)", i.Signal) }

// Code is what a process ends with then, as shells count it: 130 after Ctrl-C,
// 143 after SIGTERM.
func (i *Interrupted) Code() int { return 128 + int(i.Signal) }

// press is how close two SIGINT are that one Ctrl-C may have caused: under go
// tool, the terminal sends one and the go command passes on its own.
const press = 250 * time.Millisecond

// Signals turns Ctrl-C into what a person expects of a long run. The first one
// closes ending: the current window is finished and kept. A second one, or
// SIGTERM, cancels the context with *Interrupted: everything is stopped at
// once. release gives the signals back.
func Signals(parent context.Context) (ctx context.Context, ending <-chan struct{}, release func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, first, end := listen(parent, signals)
	return ctx, first, func() {
		signal.Stop(signals)
		end()
	}
}

// listen does what Signals says with the signals that come.
func listen(parent context.Context, signals <-chan os.Signal) (ctx context.Context, ending <-chan struct{}, end func()) {
	ctx, cancel := context.WithCancelCause(parent)
	first, quit := make(chan struct{}), make(chan struct{})
	go func() {
		var asked time.Time
		for {
			select {
			case <-quit:
				return
			case s := <-signals:
				switch {
				case s == os.Interrupt && asked.IsZero():
					asked = time.Now()
					close(first)
				case s == os.Interrupt && time.Since(asked) < press:
				default:
					n, _ := s.(syscall.Signal)
					cancel(&Interrupted{n})
				}
			}
		}
	}()
	return ctx, first, func() { close(quit); cancel(nil) }
}

// Ended says by what signal a run was ended, in order or at once; nil when by none.
func Ended(ctx context.Context, ending <-chan struct{}) *Interrupted {
	if cause, ok := context.Cause(ctx).(*Interrupted); ok {
		return cause
	}
	select {
	case <-ending:
		return &Interrupted{syscall.SIGINT}
	default:
		return nil
	}
}
