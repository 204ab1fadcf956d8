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

func (o *observation) marks(ctx context.Context) load.Marks {
	return o.live.follow(o.name, load.Marks{Open: func() { o.open(ctx) }, Close: func() { o.shut(ctx) }})
}

func (o *observation) open(ctx context.Context) {
	o.counters.open(o.source.Read(ctx))
	if o.server.Usage != nil {
		o.stack, o.problem = usage.Start(o.server.Usage, sampleEvery)
	}
	if o.devices != nil {
		o.cards = o.devices.Start(o.server.Pids, sampleEvery)
	}
	o.waiting.start(ctx, o.source)
	o.others.open()
	o.opened = time.Now()
	o.client, _ = usage.Self()
}

func (o *observation) shut(ctx context.Context) {
	o.addOthers()
	now, err := usage.Self()
	if err == nil {
		if o.evidence.Client == nil {
			o.evidence.Client = &meter.ClientUse{Cores: o.server.ClientCores}
		}
		o.evidence.Client.CPU += now - o.client
	}
	if o.stack != nil {
		o.addStack()
	}
	if o.cards != nil {
		o.addCards(o.cards.Stop())
	}
	o.evidence.Telemetry.Waiting = o.waiting.stop()
	o.addWork(ctx)
}

// addOthers takes what somebody else used; of several windows the worst counts.
func (o *observation) addOthers() {
	f := o.others.shut()
	if f == nil {
		return
	}
	o.seen = *f
	if old := o.evidence.Foreign; old != nil {
		worse := old.Worse(*f)
		f = &worse
	}
	o.evidence.Foreign = f
}

func (o *observation) addStack() {
	sum, err := o.stack.Stop()
	if err != nil {
		o.problem = err
		return
	}
	if o.evidence.Stack == nil {
		o.evidence.Stack = &meter.StackUse{Cores: o.server.Limited()}
	}
	o.evidence.Stack.CPU += sum.CPU
	o.evidence.Stack.Peak = max(o.evidence.Stack.Peak, uint64(sum.Peak))
}
