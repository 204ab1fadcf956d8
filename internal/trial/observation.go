package trial

import (
	"context"
	"time"

	"stackbench/internal/gpu"
	"stackbench/internal/host"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/telemetry"
	"stackbench/internal/usage"
)

// SampleEvery is how often CPU, memory and cards are read.
const SampleEvery = 100 * time.Millisecond

// Observation reads, at the edges of windows, what the records cannot tell. Its
// sums are over all windows of one leaf.
type Observation struct {
	Server  *host.Server
	devices *gpu.Devices
	source  telemetry.Source
	batch   int // the most that the stack's own batcher joins
	live    *live
	name    string // of the leaf

	client  time.Duration
	stack   *usage.Sampler
	cards   *gpu.Sampler
	Waiting waiting
	others  *others
	Seen    meter.Foreign // of the last window
	opened  time.Time     // that window
	tries   int           // windows that were taken for those that were kept
	spent   time.Duration // on windows that others disturbed

	Evidence meter.Evidence
	counters counters
	gpus     []gpu.Summary         // of each window
	Own      *telemetry.Generation // what the server says of the texts of all windows
	problem  error
}

func (w *Observation) marks(ctx context.Context) load.Marks {
	return w.live.follow(w.name, load.Marks{Open: func() { w.open(ctx) }, Close: func() { w.shut(ctx) }})
}

func (w *Observation) open(ctx context.Context) {
	w.counters.open(w.source.Read(ctx))
	if w.Server.Usage != nil {
		w.stack, w.problem = usage.Start(w.Server.Usage, SampleEvery)
	}
	if w.devices != nil {
		w.cards = w.devices.Start(w.Server.Pids, SampleEvery)
	}
	w.Waiting.start(ctx, w.source)
	w.others.open()
	w.opened = time.Now()
	w.client, _ = usage.Self()
}

func (w *Observation) shut(ctx context.Context) {
	w.addOthers()
	now, err := usage.Self()
	if err == nil {
		if w.Evidence.Client == nil {
			w.Evidence.Client = &meter.ClientUse{Cores: w.Server.ClientCores}
		}
		w.Evidence.Client.CPU += now - w.client
	}
	if w.stack != nil {
		w.addStack()
	}
	if w.cards != nil {
		w.addCards(w.cards.Stop())
	}
	w.Evidence.Telemetry.Waiting = w.Waiting.stop()
	w.addWork(ctx)
}

// addOthers takes what somebody else used; of several windows the worst counts.
func (w *Observation) addOthers() {
	f := w.others.shut()
	if f == nil {
		return
	}
	w.Seen = *f
	if old := w.Evidence.Foreign; old != nil {
		worse := old.Worse(*f)
		f = &worse
	}
	w.Evidence.Foreign = f
}

func (w *Observation) addStack() {
	sum, err := w.stack.Stop()
	if err != nil {
		w.problem = err
		return
	}
	if w.Evidence.Stack == nil {
		w.Evidence.Stack = &meter.StackUse{Cores: w.Server.Limited()}
	}
	w.Evidence.Stack.CPU += sum.CPU
	w.Evidence.Stack.Peak = max(w.Evidence.Stack.Peak, uint64(sum.Peak))
}
