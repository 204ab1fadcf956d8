// Package gpu samples NVIDIA GPUs through NVML while a stack is measured. A
// machine without a driver is a reason that a reader is told, never an error.
package gpu

import "time"

// Card is one GPU of the machine.
type Card struct {
	Name     string
	MemoryMB int // 10^6 bytes, as the driver tells it; 0 when it does not
}

// Summary is what the stack's GPUs did in a window. A nil field means that the
// driver does not tell; Notes says why, in words.
type Summary struct {
	Name   string // of the first GPU
	Driver string
	Count  int           // GPUs that the sums and means below cover
	Span   time.Duration // of the window

	// UtilPercent is the mean over the window and the GPUs of the time in which
	// a kernel was resident (0–100, nvmlDeviceGetUtilizationRates): busyness,
	// not efficiency.
	UtilPercent *float64
	// SMPercent is the mean share of busy streaming multiprocessors (0–100,
	// NVML GPM, Hopper and later).
	SMPercent *float64
	// MemoryPeakMB is the highest memory of the stack's processes, summed over
	// the GPUs, in 10^6 bytes; the whole GPUs' where processes cannot be told
	// apart, which Notes then says.
	MemoryPeakMB *float64
	// EnergyJ is the rise of the energy counters over the window in joules, or
	// the integral of the power where there is no counter, which Notes then says.
	EnergyJ *float64
	// Watts is the mean power over the window, IdleWatts what MeasureIdle read
	// before; both summed over the GPUs.
	Watts     *float64
	IdleWatts *float64

	// Others are the processes that were on the stack's GPUs beside its own, by
	// number and name; none where the stack's cannot be told from others'.
	Others []string

	Notes []string
}
