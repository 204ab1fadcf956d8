package selftest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
)

// TestWhatOthersTakeOfEachCore of a made-up kernel: core 0 is free, and core 3
// for a quarter of the time.
func TestWhatOthersTakeOfEachCore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		stat := func() ([]byte, error) {
			ticks := int(time.Since(began).Milliseconds() / 10)
			return fmt.Appendf(nil, "cpu  1 1 1 1 1 1 1 1\ncpu0 5 0 5 %d 0 0 0 0\ncpu3 5 0 5 %d 0 0 0 0\nintr 1\n", 1000+ticks, 1000+ticks/4), nil
		}
		by, _, err := Watch(cpuset.Set{0, 3}, stat)(t.Context(), 2*time.Second)
		require.NoError(t, err)
		require.Len(t, by, 2)
		require.InDelta(t, 0, by[0], 1e-9)
		require.InDelta(t, 75, by[3], 1)

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err = Watch(cpuset.Set{0}, stat)(gone, time.Hour)
		require.ErrorIs(t, err, context.Canceled)
	})
	none := errors.New("no counters")
	_, _, err := Watch(cpuset.Set{0}, func() ([]byte, error) { return nil, none })(t.Context(), 0)
	require.ErrorIs(t, err, none)
}
