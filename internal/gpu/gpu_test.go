//go:build linux && cgo

package gpu

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/gpus"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
	"github.com/stretchr/testify/require"
)

// machine is go-nvml's mock of an H200 machine with scripted readings: each
// GPU draws 100 W, is 40 % busy and 25 % of its multiprocessors are active.
func machine(count int) *server.Server {
	s := dgxh200.NewWithGPUs(gpus.Multiple(count, gpus.H200_SXM5_141GB)...)
	opened := time.Now()
	s.GpmSampleAllocFunc = func() (nvml.GpmSample, nvml.Return) {
		return &mock.GpmSample{FreeFunc: func() nvml.Return { return nvml.SUCCESS }}, nvml.SUCCESS
	}
	s.GpmMetricsGetFunc = func(q *nvml.GpmMetricsGetType) nvml.Return {
		if q.NumMetrics != 1 || q.Metrics[0].MetricId != uint32(nvml.GPM_METRIC_SM_UTIL) {
			return nvml.ERROR_INVALID_ARGUMENT
		}
		q.Metrics[0].Value = 25
		return nvml.SUCCESS
	}
	for _, dev := range s.Devices {
		d := dev.(*server.Device)
		d.MemoryInfo.Used = 3_000_000_000
		d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) {
			return nvml.Utilization{Gpu: 40}, nvml.SUCCESS
		}
		d.GetPowerUsageFunc = func() (uint32, nvml.Return) { return 100_000, nvml.SUCCESS }
		d.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) {
			return 5_000_000 + uint64(time.Since(opened).Seconds()*100_000), nvml.SUCCESS
		}
		d.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.SUCCESS }
		d.GpmQueryDeviceSupportFunc = func() (nvml.GpmSupport, nvml.Return) {
			return nvml.GpmSupport{IsSupportedDevice: 1}, nvml.SUCCESS
		}
		d.GpmSampleGetFunc = func(nvml.GpmSample) nvml.Return { return nvml.SUCCESS }
	}
	return s
}

// window opens the machine and samples it for 2.5 virtual seconds.
func window(t *testing.T, s *server.Server, pids func() []int) Summary {
	t.Helper()
	d, reason := open(s)
	require.Empty(t, reason)
	defer d.Close()
	sampler := d.Start(pids, 100*time.Millisecond)
	time.Sleep(2500 * time.Millisecond)
	return sampler.Stop()
}

func device(s *server.Server, i int) *server.Device { return s.Devices[i].(*server.Device) }

func TestWholeMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(2)
		got := window(t, s, nil)
		require.Contains(t, got.Name, "H200")
		require.Equal(t, "550.54.15", got.Driver)
		require.Equal(t, 2, got.Count)
		require.InDelta(t, 40, *got.UtilPercent, 1e-9)
		require.InDelta(t, 25, *got.SMPercent, 1e-9)
		require.InDelta(t, 6000, *got.MemoryPeakMB, 1e-9)
		require.InDelta(t, 500, *got.EnergyJ, 0.1)
		require.InDelta(t, 200, *got.Watts, 1e-6)
		require.Nil(t, got.IdleWatts)
		require.Empty(t, got.Notes)
		require.Len(t, s.ShutdownCalls(), 1)
	})
}

// One process of the stack on one of two GPUs, among strangers: only its
// memory and only that GPU count, and its peak is kept.
func TestTheStacksOwnGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(2)
		reads := 0
		device(s, 1).GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
			reads++
			used := uint64(700_000_000)
			if reads == 3 {
				used = 900_000_000
			}
			return []nvml.ProcessInfo{{Pid: 42, UsedGpuMemory: used}, {Pid: 43, UsedGpuMemory: 50_000_000}, {Pid: 7, UsedGpuMemory: 1 << 40}}, nvml.SUCCESS
		}
		device(s, 1).GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) {
			return nvml.Utilization{Gpu: 90}, nvml.SUCCESS
		}
		got := window(t, s, func() []int { return []int{42, 43} })
		require.Equal(t, 1, got.Count)
		require.InDelta(t, 90, *got.UtilPercent, 1e-9)
		require.InDelta(t, 950, *got.MemoryPeakMB, 1e-9)
		require.InDelta(t, 250, *got.EnergyJ, 0.1)
		require.Empty(t, got.Notes)
	})
}

// TestWhoElseIsOnTheStacksGPU: strangers on a card that the stack does not use
// disturb nobody, and a worker that the stack has just started is no stranger.
func TestWhoElseIsOnTheStacksGPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(2)
		on := func(pids ...uint32) func() ([]nvml.ProcessInfo, nvml.Return) {
			return func() (list []nvml.ProcessInfo, _ nvml.Return) {
				for _, pid := range pids {
					list = append(list, nvml.ProcessInfo{Pid: pid, UsedGpuMemory: 1_000_000})
				}
				return list, nvml.SUCCESS
			}
		}
		const gone = 1 << 30 // no process here has such a number
		began := time.Now()
		device(s, 0).GetComputeRunningProcessesFunc = on(gone + 9)
		device(s, 1).GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
			if time.Since(began) < 1200*time.Millisecond {
				return on(42, gone+2)()
			}
			return on(42, 43, gone+1)()
		}
		own := func() []int {
			if time.Since(began) < 1100*time.Millisecond {
				return []int{42}
			}
			return []int{42, 43}
		}
		require.Equal(t, []string{"1073741825", "1073741826"}, window(t, s, own).Others)

		began = time.Now()
		require.Empty(t, window(t, s, func() []int { return []int{7} }).Others, "the stack's own are not seen, so nobody can tell")
		require.Empty(t, window(t, s, nil).Others)

		device(s, 1).GetComputeRunningProcessesFunc = on(42, uint32(os.Getpid()))
		require.Regexp(t, `^\d+ [ -~]+$`, window(t, s, own).Others[0], "with its name")
	})
}

func TestProcessesThatCannotBeToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(1)
		got := window(t, s, func() []int { return []int{42} })
		require.InDelta(t, 3000, *got.MemoryPeakMB, 1e-9)
		require.Equal(t, []string{"the stack's processes were not seen on any GPU: every GPU and all of its memory is counted"}, got.Notes)

		device(s, 0).GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
			return []nvml.ProcessInfo{{Pid: 42, UsedGpuMemory: ^uint64(0)}}, nvml.SUCCESS
		}
		got = window(t, s, func() []int { return []int{42} })
		require.InDelta(t, 3000, *got.MemoryPeakMB, 1e-9)
		require.Equal(t, []string{"GPU 0: the driver does not tell memory by process"}, got.Notes)
	})
}

func TestEnergyWithoutACounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(1)
		s.LookupSymbolFunc = func(symbol string) error {
			if symbol == "nvmlDeviceGetTotalEnergyConsumption" || symbol == "nvmlGpmMetricsGet" {
				return errors.New("undefined symbol")
			}
			return nil
		}
		// A call would end the process on a real driver; the mock panics.
		device(s, 0).GetTotalEnergyConsumptionFunc = nil
		device(s, 0).GpmSampleGetFunc = nil
		start := time.Now()
		device(s, 0).GetPowerUsageFunc = func() (uint32, nvml.Return) { // rises by 40 W a second
			return 100_000 + uint32(time.Since(start).Milliseconds()*40), nvml.SUCCESS
		}
		got := window(t, s, nil)
		require.InDelta(t, 2.5*150, *got.EnergyJ, 1e-6)
		require.InDelta(t, 150, *got.Watts, 1e-6)
		require.Nil(t, got.SMPercent)
		require.Equal(t, []string{"energy is the integral of the sampled power: there is no energy counter"}, got.Notes)
	})
}

func TestWhatTheDriverDoesNotTellIsBlank(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(1)
		d := device(s, 0)
		d.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{}, nvml.ERROR_NOT_SUPPORTED }
		d.GetPowerUsageFunc = func() (uint32, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
		d.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
		d.GetMemoryInfoFunc = func() (nvml.Memory, nvml.Return) { return nvml.Memory{}, nvml.ERROR_GPU_IS_LOST }
		d.GpmSampleGetFunc = func(nvml.GpmSample) nvml.Return { return nvml.ERROR_NO_PERMISSION }
		got := window(t, s, nil)
		require.Nil(t, got.UtilPercent)
		require.Nil(t, got.SMPercent)
		require.Nil(t, got.MemoryPeakMB)
		require.Nil(t, got.EnergyJ)
		require.Nil(t, got.Watts)
		require.Equal(t, []string{
			"GPU 0: memory: the GPU is lost",
			"GPU 0: power: not supported",
			"GPU 0: SM activity: no permission",
			"GPU 0: utilisation: not supported",
		}, got.Notes)
	})
}

func TestIdlePower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(2)
		d, reason := open(s)
		require.Empty(t, reason)
		d.MeasureIdle(t.Context(), time.Second)
		got := d.Start(nil, time.Second).Stop()
		require.InDelta(t, 200, *got.IdleWatts, 1e-9)

		gone, cancel := context.WithCancel(t.Context())
		cancel()
		d.idle = nil
		d.MeasureIdle(gone, time.Hour)
		require.Nil(t, d.idle)
	})
}

func TestReasons(t *testing.T) {
	check := func(want string, change func(*server.Server)) {
		t.Helper()
		s := machine(1)
		change(s)
		d, reason := open(s)
		require.Nil(t, d)
		require.Equal(t, want, reason)
	}
	fails := func(ret nvml.Return) func(*server.Server) {
		return func(s *server.Server) { s.InitFunc = func() nvml.Return { return ret } }
	}
	check("no NVIDIA driver (libnvidia-ml.so.1 was not found)", fails(nvml.ERROR_LIBRARY_NOT_FOUND))
	check("the NVIDIA driver is installed but not loaded", fails(nvml.ERROR_DRIVER_NOT_LOADED))
	check("no permission to use the NVIDIA driver", fails(nvml.ERROR_NO_PERMISSION))
	check("NVML does not start: the driver's library and its kernel module differ in version (reboot after an update)", fails(nvml.ERROR_LIB_RM_VERSION_MISMATCH))
	check("NVML does not start: NVML error 999", fails(nvml.ERROR_UNKNOWN))
	check("the NVIDIA driver sees no GPU", func(s *server.Server) { s.Devices = nil })
	check("GPU 0 cannot be opened: the GPU is lost", func(s *server.Server) {
		s.DeviceGetHandleByIndexFunc = func(int) (nvml.Device, nvml.Return) { return nil, nvml.ERROR_GPU_IS_LOST }
	})
}

func TestCardsWithTheirMemory(t *testing.T) {
	d, reason := OpenLibrary(machine(2))
	require.Empty(t, reason)
	defer d.Close()
	require.Len(t, d.Cards(), 2)
	for _, c := range d.Cards() {
		require.Contains(t, c.Name, "H200")
		require.InDelta(t, 151_000, c.MemoryMB, 3000, "141 GiB")
	}
}

// Two windows by the mock, the second four times as long and at another load.
func TestWindowsOfDifferentLengths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := machine(1)
		d, reason := open(s)
		require.Empty(t, reason)
		defer d.Close()
		var windows []Summary
		for _, w := range []struct {
			length time.Duration
			busy   uint32
		}{{time.Second, 100}, {4 * time.Second, 50}} {
			device(s, 0).GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) {
				return nvml.Utilization{Gpu: w.busy}, nvml.SUCCESS
			}
			sampler := d.Start(nil, 100*time.Millisecond)
			time.Sleep(w.length)
			windows = append(windows, sampler.Stop())
			time.Sleep(time.Minute) // the energy of which is no window's
		}
		got := Pool(windows)
		require.Equal(t, 5*time.Second, got.Span)
		require.InDelta(t, 60, *got.UtilPercent, 1e-9)
		require.InDelta(t, 500, *got.EnergyJ, 0.1)
	})
}

// TestThisMachine opens the real library: a reason without a driver, readings with one.
func TestThisMachine(t *testing.T) {
	d, reason := Open()
	if d == nil {
		require.NotEmpty(t, reason)
		t.Log("no GPU: " + reason)
		return
	}
	defer d.Close()
	require.Positive(t, d.Count())
	require.NotEmpty(t, d.Driver())
	got := d.Start(nil, 100*time.Millisecond).Stop()
	require.Equal(t, d.Name(), got.Name)
	require.NotNil(t, got.MemoryPeakMB, got.Notes)
}
