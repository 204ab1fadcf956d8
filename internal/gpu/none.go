//go:build !linux || !cgo

package gpu

import (
	"context"
	"time"
)

// Devices is empty in this build: see Open.
type Devices struct{}

// Open tells why there is nothing to sample.
func Open() (*Devices, string) {
	return nil, "GPUs are read through NVML, which needs Linux and a build with cgo"
}

// Name is empty: Open gives no Devices here.
func (d *Devices) Name() string { return "" }

// Driver is empty: Open gives no Devices here.
func (d *Devices) Driver() string { return "" }

// Count is zero: Open gives no Devices here.
func (d *Devices) Count() int { return 0 }

// Cards are none: Open gives no Devices here.
func (d *Devices) Cards() []Card { return nil }

// Close does nothing.
func (d *Devices) Close() {}

// MeasureIdle does nothing.
func (d *Devices) MeasureIdle(context.Context, time.Duration) {}

// Start gives a Sampler whose summary is empty.
func (d *Devices) Start(func() []int, time.Duration) *Sampler { return &Sampler{} }

// Sampler is empty in this build: see Open.
type Sampler struct{}

// Stop gives an empty summary.
func (s *Sampler) Stop() Summary { return Summary{} }
