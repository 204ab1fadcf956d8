package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"stackbench/internal/gpu"
	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/telemetry"
	"stackbench/internal/usage"
)

const (
	sampleEvery  = 100 * time.Millisecond
	keptAnswers  = 48 << 20 // bytes of a window's answers, for checking
	openConns    = 256      // cap of an open loop: far above what a stack answers at once
	openQueue    = 1024
	requestLimit = 30 * time.Second
)

// plan is the case as the load engine takes it.
func (c Case) plan(o Options, marks load.Marks) load.Plan {
	if c.Load.rate() > 0 {
		return o.open(float64(c.Load.rate()), marks)
	}
	return o.closed(c.Load.conc(), marks)
}

// closed is a closed loop of that many users.
func (o Options) closed(conc int, marks load.Marks) load.Plan {
	return load.Plan{
		Conns: conc, Warmup: o.Profile.Warmup(), Window: o.length(),
		Timeout: requestLimit, Keep: keptAnswers, Marks: marks,
	}
}

// open is an open loop of that many requests a second.
func (o Options) open(rate float64, marks load.Marks) load.Plan {
	p := o.closed(openConns, marks)
	p.Arrivals, p.Queue = load.Arrivals{Rate: rate, Poisson: true, Seed: o.salt()}, openQueue
	return p
}

// salt differs from trial to trial and from run to run, so that a stack never
// sees an input twice. Every bit of the seed counts.
func (o Options) salt() uint64 {
	return rand.NewPCG(o.Record.Seed, uint64(o.Record.Trial)).Uint64()
}

// watch reads, at the edges of windows, what the records cannot tell. Its
// sums are over all windows of one leaf.
type watch struct {
	server  *server
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

func (w *watch) marks(ctx context.Context) load.Marks {
	return w.live.follow(w.name, load.Marks{Open: func() { w.open(ctx) }, Close: func() { w.shut(ctx) }})
}

func (w *watch) open(ctx context.Context) {
	w.counters.open(w.source.Read(ctx))
	if w.server.usage != nil {
		w.stack, w.problem = usage.Start(w.server.usage, sampleEvery)
	}
	if w.devices != nil {
		w.cards = w.devices.Start(w.server.pids, sampleEvery)
	}
	w.waiting.start(ctx, w.source)
	w.others.open()
	w.opened = time.Now()
	w.client, _ = usage.Self()
}

func (w *watch) shut(ctx context.Context) {
	w.addOthers()
	now, err := usage.Self()
	if err == nil {
		if w.evidence.Client == nil {
			w.evidence.Client = &meter.ClientUse{Cores: w.server.clientCores}
		}
		w.evidence.Client.CPU += now - w.client
	}
	if w.stack != nil {
		w.addStack()
	}
	if w.cards != nil {
		w.addCards(w.cards.Stop())
	}
	w.evidence.Told.Waiting = w.waiting.stop()
	w.addWork(ctx)
}

// addOthers takes what somebody else used; of several windows the worst counts.
func (w *watch) addOthers() {
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

func (w *watch) addStack() {
	sum, err := w.stack.Stop()
	if err != nil {
		w.problem = err
		return
	}
	if w.evidence.Stack == nil {
		w.evidence.Stack = &meter.StackUse{Cores: w.server.limited()}
	}
	w.evidence.Stack.CPU += sum.CPU
	w.evidence.Stack.Peak = max(w.evidence.Stack.Peak, uint64(sum.Peak))
}

// footprint measures the memory that embedding 1,000 texts takes, above what
// the stack held when it had just become ready.
func (w *work) footprint(ctx context.Context, s *server, batch int) (*meter.Footprint, error) {
	if s.usage == nil {
		return nil, nil
	}
	idle, err := s.usage.Read()
	if err != nil {
		return nil, fmt.Errorf("measure the footprint: %w", err)
	}
	sampler, err := usage.Start(s.usage, sampleEvery/5)
	if err != nil {
		return nil, fmt.Errorf("measure the footprint: %w", err)
	}
	err = w.each(ctx, (1000+batch-1)/batch, func(int, record.Answer) error { return nil })
	sum, stopErr := sampler.Stop()
	if err != nil {
		return nil, fmt.Errorf("measure the footprint: %w", err)
	}
	if stopErr != nil {
		return nil, fmt.Errorf("measure the footprint: %w", stopErr)
	}
	return &meter.Footprint{Peak: uint64(sum.Peak), Idle: uint64(idle.Memory)}, nil
}

// each sends that many requests, one after the other, and hands over each good
// answer, which is valid until the next.
func (w *work) each(ctx context.Context, requests int, take func(seq int, a record.Answer) error) error {
	c, err := w.target.Dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	w.ahead.at(w.next(), 0)
	for seq := range requests {
		limited, cancel := context.WithTimeout(ctx, requestLimit)
		reply := c.Do(limited, seq)
		cancel()
		if reply.Outcome != record.Good {
			return fmt.Errorf("request %d: %s: %w", seq, reply.Outcome, reply.Err)
		}
		if err := take(seq, record.Answer{Head: reply.Head, Body: reply.Body}); err != nil {
			return err
		}
	}
	return nil
}
