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

// sampleEvery is how often CPU, memory and cards are read.
const sampleEvery = 100 * time.Millisecond

// observation reads, at the edges of windows, what the records cannot tell. Its
// sums are over all windows of one leaf.
type observation struct {
	server  *host.Server
	devices *gpu.Devices
	source  telemetry.Source
	batch   int // the most that the stack's own batcher joins
	live    *live
	name    string // of the leaf

	client  time.Duration
	stack   *usage.Sampler
	cards   *gpu.Sampler
	waiting waiting
	others  *others
	seen    meter.Foreign // of the last window
	opened  time.Time     // that window
	tries   int           // windows that were taken for those that were kept
	spent   time.Duration // on windows that others disturbed

	evidence meter.Evidence
	counters counters
	gpus     []gpu.Summary         // of each window
	own      *telemetry.Generation // what the server says of the texts of all windows
	problem  error
}

func (w *observation) marks(ctx context.Context) load.Marks {
	return w.live.follow(w.name, load.Marks{Open: func() { w.open(ctx) }, Close: func() { w.shut(ctx) }})
}

func (w *observation) open(ctx context.Context) {
	w.counters.open(w.source.Read(ctx))
	if w.server.Usage != nil {
		w.stack, w.problem = usage.Start(w.server.Usage, sampleEvery)
	}
	if w.devices != nil {
		w.cards = w.devices.Start(w.server.Pids, sampleEvery)
	}
	w.waiting.start(ctx, w.source)
	w.others.open()
	w.opened = time.Now()
	w.client, _ = usage.Self()
}

func (w *observation) shut(ctx context.Context) {
	w.addOthers()
	now, err := usage.Self()
	if err == nil {
		if w.evidence.Client == nil {
			w.evidence.Client = &meter.ClientUse{Cores: w.server.ClientCores}
		}
		w.evidence.Client.CPU += now - w.client
	}
	if w.stack != nil {
		w.addStack()
	}
	if w.cards != nil {
		w.addCards(w.cards.Stop())
	}
	w.evidence.Telemetry.Waiting = w.waiting.stop()
	w.addWork(ctx)
}

// addOthers takes what somebody else used; of several windows the worst counts.
func (w *observation) addOthers() {
	f := w.others.shut()
	if f == nil {
		return
	}
	w.seen = *f
	if old := w.evidence.Foreign; old != nil {
		worse := old.Worse(*f)
		f = &worse
	}
	w.evidence.Foreign = f
}

func (w *observation) addStack() {
	sum, err := w.stack.Stop()
	if err != nil {
		w.problem = err
		return
	}
	if w.evidence.Stack == nil {
		w.evidence.Stack = &meter.StackUse{Cores: w.server.Limited()}
	}
	w.evidence.Stack.CPU += sum.CPU
	w.evidence.Stack.Peak = max(w.evidence.Stack.Peak, uint64(sum.Peak))
}
