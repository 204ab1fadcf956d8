package task

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func number(n int) (int, error) { return n, nil }

func TestARingGivesEachNumberOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := newRing(number, func(int) int { return 1 << 20 })
		require.NoError(t, err)
		require.Len(t, r.slots, 128, "as many as fit")
		for _, base := range []int{1 << WindowBits, 2 << WindowBits} {
			r.begin(base, 500)
			for seq := range 1000 {
				synctest.Wait()
				ready := r.slots[(base+seq)%len(r.slots)].Load()
				require.Equal(t, base+seq, ready.n, "built before it is due")
				require.Equal(t, base+seq, r.take(500+seq))
			}
		}
		r.stop()
		require.Equal(t, 2<<WindowBits+1000, r.take(1500), "also when nobody builds ahead")
		require.NoError(t, r.err())
	})
}

func TestARingIsTakenFromAtOnce(t *testing.T) {
	r, err := newRing(number, func(int) int { return 64 << 20 })
	require.NoError(t, err)
	require.Len(t, r.slots, 2)
	r.begin(0, 0)
	defer r.stop()
	var crew sync.WaitGroup
	for worker := range 8 {
		crew.Go(func() {
			for seq := worker; seq < 4000; seq += 8 {
				if r.take(seq) != seq {
					t.Errorf("request %d is another", seq)
				}
			}
		})
	}
	crew.Wait()
}

func TestARingTellsOfWhatCannotBeBuilt(t *testing.T) {
	_, err := newRing(func(int) (int, error) { return 0, errors.New("no words") }, func(int) int { return 1 })
	require.EqualError(t, err, "no words")
	r, err := newRing(func(n int) (int, error) {
		if n == 700 {
			return 0, errors.New("no words")
		}
		return n, nil
	}, func(int) int { return 1 })
	require.NoError(t, err)
	r.at(0, 0)
	require.Equal(t, 699, r.take(699))
	require.NoError(t, r.err())
	r.take(700)
	require.EqualError(t, r.err(), "no words")
}
