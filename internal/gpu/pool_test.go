package gpu

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func ptr(v float64) *float64 { return &v }

// Windows of 1, 1 and 8 s: a mean of pairs would give the last one half the
// weight, and the first a quarter.
func TestMeansAreWeightedByTheWindowsLengths(t *testing.T) {
	got := Pool([]Summary{
		{Name: "A", Driver: "1", Count: 2, Span: time.Second, UtilPercent: ptr(100), SMPercent: ptr(50), MemoryPeakMB: ptr(900), EnergyJ: ptr(300), Watts: ptr(300), IdleWatts: ptr(70), Notes: []string{"x"}, Others: []string{"7 a"}},
		{Name: "A", Driver: "1", Count: 2, Span: time.Second, UtilPercent: ptr(100), MemoryPeakMB: ptr(1000), EnergyJ: ptr(300), Watts: ptr(300), IdleWatts: ptr(70), Notes: []string{"x", "y"}, Others: []string{"8 b", "7 a"}},
		{Name: "A", Driver: "1", Count: 2, Span: 8 * time.Second, UtilPercent: ptr(50), SMPercent: ptr(50), MemoryPeakMB: ptr(800), EnergyJ: ptr(800), Watts: ptr(100), IdleWatts: ptr(70)},
	})
	require.Equal(t, &Summary{
		Name: "A", Driver: "1", Count: 2, Span: 10 * time.Second,
		UtilPercent: ptr(60), SMPercent: ptr(50), MemoryPeakMB: ptr(1000), EnergyJ: ptr(1400), Watts: ptr(140), IdleWatts: ptr(70), Notes: []string{"x", "y"}, Others: []string{"7 a", "8 b"},
	}, got)
}

func TestEnergyWithoutAPartIsNotTold(t *testing.T) {
	got := Pool([]Summary{{Span: time.Second, EnergyJ: ptr(5), UtilPercent: ptr(5)}, {Span: time.Second}})
	require.Nil(t, got.EnergyJ)
	require.Equal(t, ptr(5), got.UtilPercent, "of the window that has it")
	require.Nil(t, got.Watts)
	require.Nil(t, Pool(nil))
}
