package trial

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/gpus"
	nvmlserver "github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
	"github.com/stretchr/testify/require"

	"stackbench/internal/gpu"
	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// h200 is go-nvml's mock of one: 60 W and idle until told otherwise.
func h200() (s *nvmlserver.Server, load func(watts, busy uint32)) {
	s = dgxh200.NewWithGPUs(gpus.Multiple(1, gpus.H200_SXM5_141GB)...)
	d := s.Devices[0].(*nvmlserver.Device)
	watts, busy, joules, at := uint32(60), uint32(0), 0.0, time.Now()
	d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{Gpu: busy}, nvml.SUCCESS }
	d.GetPowerUsageFunc = func() (uint32, nvml.Return) { return watts * 1000, nvml.SUCCESS }
	d.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) {
		return uint64((joules + float64(watts)*time.Since(at).Seconds()) * 1000), nvml.SUCCESS
	}
	d.GpmQueryDeviceSupportFunc = func() (nvml.GpmSupport, nvml.Return) { return nvml.GpmSupport{}, nvml.ERROR_NOT_SUPPORTED }
	d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.SUCCESS }
	d.MemoryInfo.Used = 3_000_000_000
	return s, func(w, b uint32) {
		joules += float64(watts) * time.Since(at).Seconds()
		watts, busy, at = w, b, time.Now()
	}
}

// TestWhatTheCardDidIsInTheTrial: windows of 1 s at 500 W and of 4 s at 100 W,
// with a minute at 700 W between them, which is no window's.
func TestWhatTheCardDidIsInTheTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mock, load := h200()
		devices, reason := gpu.OpenLibrary(mock)
		require.Empty(t, reason)
		defer devices.Close()
		devices.MeasureIdle(context.Background(), idleSpan)
		w := watched("")
		w.devices, w.source.Kind = devices, ""
		for _, x := range []struct {
			length      time.Duration
			watts, busy uint32
		}{{time.Second, 500, 100}, {4 * time.Second, 100, 50}} {
			load(x.watts, x.busy)
			w.open(context.Background())
			time.Sleep(x.length)
			w.shut(context.Background())
			load(700, 100)
			time.Sleep(time.Minute)
		}
		require.InDelta(t, 60, *w.evidence.GPU.Util, 1e-9)
		require.EqualValues(t, 3_000_000_000, w.evidence.GPU.Peak)
		require.InDelta(t, 900, w.evidence.GPU.Joules, 0.1)
		got := cardsOf(w.gpus)
		require.Equal(t, 1, got.Count)
		require.InDelta(t, 5, got.Seconds, 1e-9)
		require.InDelta(t, 180, *got.Watts, 1e-6)
		require.InDelta(t, 60, *got.IdleWatts, 1e-6)
		require.Nil(t, got.SMPercent)
		require.Equal(t, []string{"the stack's processes were not seen on any GPU: every GPU and all of its memory is counted"}, got.Notes)
	})
}

// TestOthersOnTheCardAreADoubt: in the second of three windows.
func TestOthersOnTheCardAreADoubt(t *testing.T) {
	w := watched("")
	before := w.state()
	for _, others := range [][]string{nil, {"4711 python"}, nil} {
		w.addCards(gpu.Summary{Span: time.Second, Others: others})
	}
	got := meter.Summarise(nil, w.evidence)
	require.Equal(t, []meter.Reason{{Rule: meter.RuleCard, Text: "other processes were on the GPU: 4711 python"}}, got.Doubts)
	w.restore(before)
	require.Empty(t, meter.Summarise(nil, w.evidence).Doubts, "of a window that was not kept")

	w.evidence.Foreign = &meter.Foreign{Server: meter.Share{Percent: 1}}
	w.addCards(gpu.Summary{Span: time.Second, Others: []string{"4711 python"}})
	require.InDelta(t, 1, w.evidence.Foreign.Server.Percent, 0, "and what is known of the cores stays")
	require.Equal(t, []string{"4711 python"}, w.evidence.Foreign.OnCards)
	require.Equal(t, []string{"4711 python"}, w.seen.OnCards)
}

// A card that tells no utilisation keeps what else it tells.
func TestACardThatTellsLittle(t *testing.T) {
	joules := 12.0
	w := watched("")
	w.addCards(gpu.Summary{Span: time.Second, EnergyJ: &joules, Notes: []string{"GPU 0: utilisation: not supported"}})
	require.Nil(t, w.evidence.GPU.Util)
	require.InDelta(t, 12, w.evidence.GPU.Joules, 0)
	require.Equal(t, []string{"GPU 0: utilisation: not supported"}, cardsOf(w.gpus).Notes)
	require.Nil(t, cardsOf(nil))
}

func TestTheCardsMemoryIsInTheEnvironment(t *testing.T) {
	mock, _ := h200()
	devices, reason := gpu.OpenLibrary(mock)
	require.Empty(t, reason)
	defer devices.Close()
	h, err := host.Survey(suite.Options{Start: suite.Start{Device: "cpu"}})
	require.NoError(t, err)
	h.Devices, h.Device = devices, stack.GPU
	env := h.Describe(context.Background())
	require.Len(t, env.GPUs, 1)
	require.Contains(t, env.GPUs[0].Name, "H200")
	require.InDelta(t, 151_000, env.GPUs[0].MemoryMB, 3000)
}
