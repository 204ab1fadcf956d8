package runner

import (
	"context"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestSignals sends signals with the pauses between them that the table says.
func TestSignals(t *testing.T) {
	type sent struct {
		after time.Duration
		what  os.Signal
	}
	check := func(name string, ending, cancelled bool, code int, signals ...sent) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := make(chan os.Signal)
				ctx, first, end := listen(context.Background(), in)
				defer end()
				for _, s := range signals {
					time.Sleep(s.after) // of the bubble's clock
					in <- s.what
				}
				synctest.Wait()
				select {
				case <-first:
					require.True(t, ending)
				default:
					require.False(t, ending)
				}
				require.Equal(t, cancelled, ctx.Err() != nil)
				by := Ended(ctx, first)
				if code == 0 {
					require.Nil(t, by)
					return
				}
				require.Equal(t, code, by.Code())
			})
		})
	}
	check("none", false, false, 0)
	check("Ctrl-C", true, false, 130, sent{0, os.Interrupt})
	check("one Ctrl-C that comes twice", true, false, 130, sent{0, os.Interrupt}, sent{3 * time.Millisecond, os.Interrupt})
	check("Ctrl-C, and again", true, true, 130, sent{0, os.Interrupt}, sent{time.Second, os.Interrupt})
	check("SIGTERM", false, true, 143, sent{0, syscall.SIGTERM})
	check("Ctrl-C, then SIGTERM", true, true, 143, sent{0, os.Interrupt}, sent{0, syscall.SIGTERM})
}
