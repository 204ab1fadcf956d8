package trial

import (
	"context"
	"time"

	"stackbench/internal/boot"
)

// whileAlive ends when the server does: the rest of a window on a dead one
// measures nothing, and a closed loop would only fail as fast as it can.
func whileAlive(ctx context.Context, s *boot.Server) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go every(ctx, sampleEvery, func() bool {
		if s.Alive() == nil {
			return true
		}
		cancel()
		return false
	})
	return ctx, cancel
}

// every does something again and again, until it says that this was all or the context
// ends.
func every(ctx context.Context, pause time.Duration, do func() (more bool)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !do() {
			return
		}
	}
}
