package trial

import (
	"cmp"
	"context"
	"errors"
	"time"

	"stackbench/internal/gpu"
	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/telemetry"
)

// idleSpan is how long the power of idle GPUs is read.
const idleSpan = time.Second

// counters adds up what a server counted inside the windows of a leaf. What it
// counted between them is of warm-ups, which the records leave out, too.
type counters struct {
	total  telemetry.Reading  // begun at zero, grown by each window
	before *telemetry.Reading // at the opening of the one that is open
	lost   bool               // a window was not told: sums over the others would be of less than the records
	failed error              // why it was not opened, until it is shut
}

// open takes the reading at a window's opening; err says that there is none.
func (c *counters) open(r telemetry.Reading, err error) {
	if c.before, c.failed = nil, err; err == nil {
		c.before = &r
	}
}

// shut takes the reading at its closing, and gives what the server did in all
// windows, or why it does not tell. Once a window was not told, none is.
func (c *counters) shut(after telemetry.Reading, err error) (did telemetry.Work, why error) {
	if c.failed != nil {
		err = c.failed
	}
	if c.lost = c.lost || err != nil || c.before == nil; c.lost {
		return telemetry.Work{}, cmp.Or(err, telemetry.ErrSilent)
	}
	window, err := after.Since(*c.before)
	if err == nil {
		c.total, err = c.total.Grown(*c.before, after)
	}
	if err == nil {
		did, err = c.total.Since(telemetry.Reading{})
	}
	c.lost = err != nil
	did.Restarted = window.Restarted
	return did, err
}

// addWork takes what the server counted in the windows.
func (o *observation) addWork(ctx context.Context) {
	did, err := o.counters.shut(o.source.Read(ctx))
	told := &o.evidence.Telemetry
	if err != nil { // it tells nothing, or no more: blank
		if o.source.Kind != "" && !errors.Is(err, telemetry.ErrSilent) {
			o.evidence.Untold = cmp.Or(o.evidence.Untold, host.OneLine(err))
		}
		o.own, *told = nil, meter.Telemetry{Waiting: told.Waiting, Restarted: told.Restarted}
		return
	}
	told.Restarted = told.Restarted || did.Restarted
	if o.own = did.Generation; o.own != nil && o.own.Prefix != nil {
		share := o.own.Prefix.Share()
		told.Cached = &share
	}
	told.Stages = nil
	for _, s := range did.Stages {
		told.Stages = append(told.Stages, meter.Stage{Name: s.Name, Mean: s.Mean})
	}
	if b := did.Batches; b != nil {
		largest := b.Largest()
		if largest == 0 {
			largest = int(o.waiting.most)
		}
		told.Executions = &meter.Executions{Items: b.Items, Runs: b.Runs, Largest: largest, Max: o.batch}
	}
}

// addCards takes what the GPUs did in a window.
func (o *observation) addCards(sum gpu.Summary) {
	o.gpus = append(o.gpus, sum)
	all := gpu.Pool(o.gpus)
	use := meter.GPUUse{Util: all.UtilPercent}
	if all.MemoryPeakMB != nil {
		use.Peak = uint64(*all.MemoryPeakMB * 1e6)
	}
	if all.EnergyJ != nil {
		use.Joules = *all.EnergyJ
	}
	o.evidence.GPU = &use
	if len(all.Others) == 0 {
		return
	}
	o.seen.OnCards = sum.Others
	if o.evidence.Foreign == nil {
		o.evidence.Foreign = &meter.Foreign{Unknown: "nobody watched the cores"}
	}
	o.evidence.Foreign.OnCards = all.Others
}

// cardsOf is what a trial keeps of its GPUs; nil where none was sampled.
func cardsOf(windows []gpu.Summary) *results.Cards {
	all := gpu.Pool(windows)
	if all == nil {
		return nil
	}
	return &results.Cards{
		Count: all.Count, Seconds: all.Span.Seconds(), SMPercent: all.SMPercent,
		Watts: all.Watts, IdleWatts: all.IdleWatts, EnergyJ: all.EnergyJ, Notes: all.Notes,
	}
}

// joined is the most that a batcher joins: what was asked of it, unless the
// server itself says that it takes less. 0 where nothing was asked.
func joined(asked, told int) int {
	if told == 0 {
		return asked
	}
	return min(asked, told)
}
