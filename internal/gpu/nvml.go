//go:build linux && cgo

package gpu

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Devices are the GPUs of this machine.
type Devices struct {
	lib    nvml.Interface
	list   []nvml.Device
	cards  []Card // of the list
	name   string
	driver string
	energy bool   // the driver has an energy counter
	gpm    bool   // the driver and every GPU have GPM
	idle   []mean // W of each GPU; nil before MeasureIdle
}

// Open loads the driver's library. Where there is no usable GPU it returns nil
// and one reason in words. Close the Devices after use.
func Open() (*Devices, string) { return OpenLibrary(nvml.New()) }

// OpenLibrary is Open with a library of the caller's: go-nvml's mock, where
// there is no GPU.
func OpenLibrary(lib nvml.Interface) (*Devices, string) { return open(lib) }

func open(lib nvml.Interface) (*Devices, string) {
	switch ret := lib.Init(); ret {
	case nvml.SUCCESS:
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return nil, "no NVIDIA driver (libnvidia-ml.so.1 was not found)"
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return nil, "the NVIDIA driver is installed but not loaded"
	case nvml.ERROR_NO_PERMISSION:
		return nil, "no permission to use the NVIDIA driver"
	default:
		return nil, "NVML does not start: " + words(ret)
	}
	d := &Devices{lib: lib}
	if reason := d.find(); reason != "" {
		d.Close()
		return nil, reason
	}
	// A symbol that an older driver lacks ends the process when it is called.
	has := func(symbol string) bool { return lib.Extensions().LookupSymbol(symbol) == nil }
	d.energy = has("nvmlDeviceGetTotalEnergyConsumption")
	d.gpm = has("nvmlGpmMetricsGet") && has("nvmlGpmSampleGet") && has("nvmlGpmQueryDeviceSupport")
	for _, dev := range d.list {
		if !d.gpm {
			break
		}
		s, ret := dev.GpmQueryDeviceSupport()
		d.gpm = ret == nvml.SUCCESS && s.IsSupportedDevice != 0
	}
	return d, ""
}

// find lists the GPUs; it returns a reason when there is none.
func (d *Devices) find() string {
	n, ret := d.lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return "NVML does not list GPUs: " + words(ret)
	}
	if n == 0 {
		return "the NVIDIA driver sees no GPU"
	}
	for i := range n {
		dev, ret := d.lib.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			return fmt.Sprintf("GPU %d cannot be opened: %s", i, words(ret))
		}
		d.list = append(d.list, dev)
	}
	if name, ret := d.list[0].GetName(); ret == nvml.SUCCESS {
		d.name = name
	}
	if v, ret := d.lib.SystemGetDriverVersion(); ret == nvml.SUCCESS {
		d.driver = v
	}
	for _, dev := range d.list {
		c := Card{Name: d.name}
		if name, ret := dev.GetName(); ret == nvml.SUCCESS {
			c.Name = name
		}
		if m, ret := dev.GetMemoryInfo(); ret == nvml.SUCCESS {
			c.MemoryMB = int(m.Total / 1_000_000)
		}
		d.cards = append(d.cards, c)
	}
	return ""
}

// words spells a return code. nvml's own text calls into the driver's library,
// which need not be loaded.
func words(ret nvml.Return) string {
	switch ret {
	case nvml.ERROR_NOT_SUPPORTED:
		return "not supported"
	case nvml.ERROR_NO_PERMISSION:
		return "no permission"
	case nvml.ERROR_GPU_IS_LOST:
		return "the GPU is lost"
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return "the driver's library and its kernel module differ in version (reboot after an update)"
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return "the driver is not loaded"
	default:
		return fmt.Sprintf("NVML error %d", int(ret))
	}
}

// Name is the first GPU's, as the driver spells it.
func (d *Devices) Name() string { return d.name }

// Driver is the driver's version.
func (d *Devices) Driver() string { return d.driver }

// Count is the number of GPUs.
func (d *Devices) Count() int { return len(d.list) }

// Cards are the GPUs as they were found.
func (d *Devices) Cards() []Card { return slices.Clone(d.cards) }

// Close releases the driver's library.
func (d *Devices) Close() { d.lib.Shutdown() }

// MeasureIdle reads the power for the span and keeps the mean for the summaries
// that follow. Call it while nothing runs on the GPUs.
func (d *Devices) MeasureIdle(ctx context.Context, span time.Duration) {
	const readings = 10
	tick := time.NewTicker(max(span/readings, time.Millisecond))
	defer tick.Stop()
	idle := make([]mean, len(d.list))
	for range readings {
		for i, dev := range d.list {
			if mw, ret := dev.GetPowerUsage(); ret == nvml.SUCCESS {
				idle[i].add(float64(mw)/1e3, 1)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	d.idle = idle
}
