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
	go func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if s.Alive() != nil {
					cancel()
				}
			}
		}
	}()
	return ctx, cancel
}
