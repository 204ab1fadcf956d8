//go:build linux && cgo

package gpu

import (
	"fmt"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// gpmGap is the least time between two GPM samples: NVML wants 100 ms at
// least, and longer gaps cost less.
const gpmGap = time.Second

// listGap bounds how often the stack's processes are listed.
const listGap = time.Second

// Sampler reads the GPUs until it is stopped.
type Sampler struct {
	d      *Devices
	pids   func() []int
	mine   map[uint32]bool
	listed time.Time
	cards  []*card
	opened time.Time
	quit   chan struct{}
	done   chan struct{}
	notes  []string
}

// card is what one GPU told.
type card struct {
	index    int
	dev      nvml.Device
	used     bool // a process of the stack was seen on it
	others   strangers
	util     mean
	sm       mean
	watts    mean
	stack    uint64 // bytes of the stack's processes, peak
	whole    uint64 // bytes of all, peak
	energy   uint64 // mJ at the opening
	metered  bool   // energy was read
	joules   float64
	lastW    float64
	lastWAt  time.Time
	hasWatts bool
	before   nvml.GpmSample
	beforeAt time.Time
}

// Start reads the counters before it returns and then every interval (0.1 to
// 1 s are sensible). pids lists the stack's processes, as this machine numbers
// them, to tell its memory and its GPUs from others'; nil takes all.
func (d *Devices) Start(pids func() []int, every time.Duration) *Sampler {
	s := &Sampler{d: d, pids: pids, opened: time.Now(), quit: make(chan struct{}), done: make(chan struct{})}
	for i, dev := range d.list {
		c := &card{index: i, dev: dev}
		if d.energy {
			mj, ret := dev.GetTotalEnergyConsumption()
			c.energy, c.metered = mj, ret == nvml.SUCCESS
		}
		s.cards = append(s.cards, c)
	}
	s.read(false)
	go s.run(max(every, time.Millisecond))
	return s
}

func (s *Sampler) run(every time.Duration) {
	defer close(s.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-tick.C:
			s.read(true)
		}
	}
}

// read takes one reading of every GPU. The first one leaves utilisation out,
// since the driver averages that over the time before it is asked.
func (s *Sampler) read(inside bool) {
	s.list(false)
	for i, c := range s.cards {
		if inside {
			if u, ret := c.dev.GetUtilizationRates(); ret == nvml.SUCCESS {
				c.util.add(float64(u.Gpu), 1)
			} else {
				s.note("GPU %d: utilisation: %s", i, words(ret))
			}
		}
		s.memory(i, c)
		s.power(i, c)
		if s.d.gpm {
			s.sm(i, c, gpmGap)
		}
	}
}

func (s *Sampler) memory(i int, c *card) {
	if m, ret := c.dev.GetMemoryInfo(); ret == nvml.SUCCESS {
		c.whole = max(c.whole, m.Used)
	} else {
		s.note("GPU %d: memory: %s", i, words(ret))
	}
	if s.pids == nil {
		return
	}
	running, ret := c.dev.GetComputeRunningProcesses()
	if ret != nvml.SUCCESS {
		s.note("GPU %d: processes: %s", i, words(ret))
		return
	}
	s.meet(c, running)
	var sum uint64
	for _, p := range running {
		if !s.mine[p.Pid] {
			continue
		}
		c.used = true
		if p.UsedGpuMemory == ^uint64(0) { // NVML_VALUE_NOT_AVAILABLE
			s.note("GPU %d: the driver does not tell memory by process", i)
			continue
		}
		sum += p.UsedGpuMemory
	}
	c.stack = max(c.stack, sum)
}

func (s *Sampler) power(i int, c *card) {
	mw, ret := c.dev.GetPowerUsage()
	if ret != nvml.SUCCESS {
		s.note("GPU %d: power: %s", i, words(ret))
		return
	}
	now, w := time.Now(), float64(mw)/1e3
	if c.hasWatts {
		dt := now.Sub(c.lastWAt).Seconds()
		c.joules += (w + c.lastW) / 2 * dt
		c.watts.add((w+c.lastW)/2, dt)
	}
	c.lastW, c.lastWAt, c.hasWatts = w, now, true
}

// sm adds the multiprocessors' activity since the last GPM sample, when that
// is at least gap ago.
func (s *Sampler) sm(i int, c *card, gap time.Duration) {
	now := time.Now()
	if c.before != nil && now.Sub(c.beforeAt) < gap {
		return
	}
	next, ret := s.d.lib.GpmSampleAlloc()
	if ret != nvml.SUCCESS {
		s.note("GPU %d: SM activity: %s", i, words(ret))
		return
	}
	if ret := c.dev.GpmSampleGet(next); ret != nvml.SUCCESS {
		s.note("GPU %d: SM activity: %s", i, words(ret))
		next.Free()
		return
	}
	if c.before != nil {
		q := nvml.GpmMetricsGetType{NumMetrics: 1, Sample1: c.before, Sample2: next}
		q.Metrics[0].MetricId = uint32(nvml.GPM_METRIC_SM_UTIL)
		ret := s.d.lib.GpmMetricsGet(&q)
		if ret == nvml.SUCCESS {
			ret = nvml.Return(q.Metrics[0].NvmlReturn)
		}
		if ret == nvml.SUCCESS {
			c.sm.add(q.Metrics[0].Value, now.Sub(c.beforeAt).Seconds())
		} else {
			s.note("GPU %d: SM activity: %s", i, words(ret))
		}
		c.before.Free()
	}
	c.before, c.beforeAt = next, now
}

// note keeps a remark once.
func (s *Sampler) note(format string, index int, rest ...string) {
	text := fmt.Sprintf(format, index)
	if len(rest) > 0 {
		text = fmt.Sprintf(format, index, rest[0])
	}
	for _, n := range s.notes {
		if n == text {
			return
		}
	}
	s.notes = append(s.notes, text)
}

// Stop takes the last reading and sums up. It must be called once.
func (s *Sampler) Stop() Summary {
	close(s.quit)
	<-s.done
	s.read(true)
	for i, c := range s.cards {
		if s.d.gpm {
			s.sm(i, c, 100*time.Millisecond)
		}
		if c.before != nil {
			c.before.Free()
		}
	}
	return s.sum()
}
