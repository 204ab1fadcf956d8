package trial

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/hist"
	"stackbench/internal/load"
	"stackbench/internal/plan"
)

// TestAWindowTellsHowItGoes in time that the test makes.
func TestAWindowTellsHowItGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to bytes.Buffer
		l := &live{to: &to, every: time.Second, times: hist.New()}
		var marks []string
		m := l.follow("x", load.Marks{Open: func() { marks = append(marks, "open") }, Close: func() { marks = append(marks, "close") }})
		for range 2 { // windows
			m.Open()
			for i := 1; i <= 100; i++ {
				m.Answer(time.Duration(i) * time.Millisecond)
			}
			time.Sleep(2500 * time.Millisecond) // of the bubble's clock
			m.Close()
			synctest.Wait()
		}
		require.Equal(t, []string{"open", "close", "open", "close"}, marks)
		told := 0
		require.NoError(t, plan.ReadLive(&to, func(now plan.Live) {
			told++
			require.EqualValues(t, 100, now.Answers, "each window begins anew")
			require.InEpsilon(t, 50, now.P50MS, 0.002)
			require.InEpsilon(t, 99, now.P99MS, 0.002)
		}))
		require.Equal(t, 4, told)
	})
}

func TestNobodyIsToldWhereNobodyListens(t *testing.T) {
	m := (*live)(nil).follow("x", load.Marks{})
	require.Nil(t, m.Answer)
	require.Nil(t, newLive(0))
}

// BenchmarkLiveAnswer is what an answer costs the client more when someone listens.
func BenchmarkLiveAnswer(b *testing.B) {
	l := &live{every: time.Hour, times: hist.New()}
	m := l.follow("x", load.Marks{})
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			m.Answer(12345678)
		}
	})
}
