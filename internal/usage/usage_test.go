package usage

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// script plays back memory readings while half a core is used, and fails after
// the last one.
type script struct {
	opened time.Time
	memory []int64
	peak   int64
	reads  int
}

func (s *script) Read() (Sample, error) {
	if s.reads == len(s.memory) {
		return Sample{}, errors.New("it is gone")
	}
	if s.opened.IsZero() {
		s.opened = time.Now()
	}
	s.reads++
	now := time.Now()
	return Sample{At: now, CPU: time.Second + now.Sub(s.opened)/2, Memory: s.memory[s.reads-1], Peak: s.peak}, nil
}

func TestSampler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Start(&script{memory: []int64{10, 40, 20, 30}, peak: 25}, 100*time.Millisecond)
		require.NoError(t, err)
		time.Sleep(250 * time.Millisecond) // virtual: two ticks
		got, err := s.Stop()
		require.NoError(t, err)
		require.Equal(t, Summary{
			Span: 250 * time.Millisecond, CPU: 125 * time.Millisecond,
			Start: 10, Peak: 40, Mean: 25, AllTime: 40, Samples: 4,
		}, got)
	})
}

func TestSamplerKeepsTheKernelsMark(t *testing.T) {
	s, err := Start(&script{memory: []int64{10, 12}, peak: 99}, time.Hour)
	require.NoError(t, err)
	got, err := s.Stop()
	require.NoError(t, err)
	require.Equal(t, int64(99), got.AllTime)
	require.Equal(t, int64(12), got.Peak)
}

func TestSamplerOfAStackThatDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Start(&script{memory: []int64{10, 40}}, 100*time.Millisecond)
		require.NoError(t, err)
		time.Sleep(time.Second)
		got, err := s.Stop()
		require.EqualError(t, err, "sample usage: it is gone")
		require.Equal(t, 2, got.Samples)
		require.Equal(t, 100*time.Millisecond, got.Span)
	})
	_, err := Start(&script{}, time.Second)
	require.EqualError(t, err, "sample usage: it is gone")
	_, err = Start(&script{memory: []int64{1}}, 0)
	require.EqualError(t, err, "sample usage: interval 0s is not positive")
}

func TestSelf(t *testing.T) {
	before, err := Self()
	require.NoError(t, err)
	after := burn(t, before)
	require.GreaterOrEqual(t, after-before, 30*time.Millisecond)
}

// burn works until this process has used 30 ms of CPU more than from.
func burn(t *testing.T, from time.Duration) time.Duration {
	t.Helper()
	x := 1.0
	for {
		for i := range 1_000_000 {
			x = x*1.0000001 + float64(i%3)
		}
		now, err := Self()
		require.NoError(t, err)
		if now-from >= 30*time.Millisecond {
			require.NotZero(t, x)
			return now
		}
	}
}
