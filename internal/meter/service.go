package meter

import (
	"time"

	"stackbench/internal/unit"
)

// Evidence is what was measured beside the requests of a sample. What is nil
// or zero was not measured, and gives no metric.
type Evidence struct {
	Stack      *StackUse
	Client     *ClientUse
	GPU        *GPUUse
	Foreign    *Foreign // what others used of the machine
	Telemetry  Telemetry
	Untold     string // why the counters that the server has could not be read; "" when they were, or when it has none
	Footprint  *Footprint
	Ready      time.Duration // start of the stack → first correct answer
	Answers    *Answers
	NeedSteady bool // a sample without a steady state, or in doubt for what others did, is invalid (standard and full)
	MayShare   bool // prompts share what they begin with on purpose
}

// Telemetry is what the server's own counters say of the sample; what it does not
// tell is nil or empty.
type Telemetry struct {
	Executions *Executions
	Stages     []Stage  // mean times of a request inside the server, in the order in which it passes them
	Waiting    *float64 // mean number of requests that waited in the server
	Restarted  bool     // a worker of the server died in the sample
	Cached     *float64 // share of the prompts' tokens that it had of earlier prompts, 0…1
}

// Executions is how a server batched.
type Executions struct {
	Items   float64 // inferences: images or texts
	Runs    float64 // executions of the model
	Largest int     // largest batch seen, or the bound under which it is; 0 when unknown
	Max     int     // maximum that was asked of the stack's batcher; 0 when none was
}

// StackUse is what the stack took of the machine, between the marks of the window.
type StackUse struct {
	CPU   time.Duration // CPU time of all its processes
	Cores float64       // that it may use
	Peak  uint64        // bytes; peak memory without file cache; 0 when unknown
}

// ClientUse is what the load generator took, between the marks of the window.
type ClientUse struct {
	CPU   time.Duration
	Cores float64
}

// GPUUse is what the stack took of its GPUs.
type GPUUse struct {
	Util   *float64 // mean % of time with a kernel resident, mean over the stack's GPUs; nil when unknown
	Peak   uint64   // bytes of the stack's processes; 0 when unknown
	Joules float64  // energy counters of all its GPUs, end of window less start; 0 when unknown
}

// Footprint is the memory that embedding 1,000 texts takes.
type Footprint struct {
	Peak uint64 // bytes, while it embeds them
	Idle uint64 // bytes, idle after the warm-up
}

// Answers is the quality gate's verdict on the answers of the window.
type Answers struct {
	OK     bool
	Reason string  // one line; "" when OK
	Error  float64 // largest difference of a number from the right one, as a share of the largest right one
	Claims Claims  // of generated text: tokens
	Pairs  []Pair  // the same inputs twice, one after the other, after the windows
}

// service measures all that the records do not say.
func (e Evidence) service(l *ledger, p sample) {
	if e.Stack != nil {
		share(l, unit.CPUUtil, e.Stack.CPU, e.Stack.Cores, p.length)
		if e.Stack.Peak > 0 {
			l.put(unit.MemMB, megabytes(e.Stack.Peak))
		}
	}
	if e.Client != nil {
		share(l, unit.ClientCPU, e.Client.CPU, e.Client.Cores, p.length)
	}
	if e.Ready > 0 {
		l.put(unit.ReadyS, e.Ready.Seconds())
	}
	if e.GPU != nil {
		e.GPU.service(l, p)
	}
	if e.Answers != nil && e.Answers.Error > 0 {
		l.put(unit.AnswerErr, e.Answers.Error)
	}
	if e.Foreign != nil {
		e.Foreign.service(l)
	}
	e.Telemetry.service(l)
	if e.Footprint != nil {
		e.Footprint.service(l)
	}
}

func (g GPUUse) service(l *ledger, p sample) {
	const untold = "the driver does not tell"
	if g.Util == nil {
		l.withhold(unit.GPUUtil, untold)
	} else {
		l.put(unit.GPUUtil, *g.Util)
	}
	if g.Peak == 0 {
		l.withhold(unit.GPUMemMB, untold)
	} else {
		l.put(unit.GPUMemMB, megabytes(g.Peak))
	}
	good := len(p.good)
	why := ""
	switch {
	case g.Joules <= 0:
		why = "no energy counter"
	case good == 0:
		why = "no good answer"
	}
	if why != "" {
		l.withhold(unit.JPerAnswer, why)
		l.withhold(unit.JPerItem, why)
		return
	}
	l.put(unit.JPerAnswer, g.Joules/float64(good))
	switch items := p.carried(); {
	case p.texts.asked != nil && p.texts.uncounted > 0:
		l.withhold(unit.JPerItem, "the server did not count the tokens of every answer")
	case items > 0:
		l.put(unit.JPerItem, g.Joules/float64(items))
	}
}

// carried is the items of the good answers: of generated text its tokens.
func (p sample) carried() int {
	if p.texts.asked != nil {
		return p.texts.tokens
	}
	return p.items
}

func (t Telemetry) service(l *ledger) {
	if t.Executions != nil {
		t.Executions.service(l)
	}
	if t.Waiting != nil {
		l.put(unit.QueueDepth, *t.Waiting)
	}
	switch {
	case t.Cached == nil:
	case *t.Cached == 0:
		l.withhold(unit.PrefixHit, "none: the server computed every prompt")
	default:
		l.put(unit.PrefixHit, 100**t.Cached)
	}
	for _, s := range t.Stages {
		if s.Name == queueStage {
			l.put(unit.QueueMS, milliseconds(s.Mean))
		}
	}
}

func (e Executions) service(l *ledger) {
	if e.Runs == 0 {
		l.withhold(unit.BatchMean, "the server counted no execution")
		return
	}
	mean := e.Items / e.Runs
	l.put(unit.BatchMean, mean)
	if e.Largest > 0 {
		l.put(unit.MaxBatch, float64(e.Largest))
	}
	if e.Max == 0 {
		l.withhold(unit.BatchEff, "no largest batch was asked of the stack's batcher")
		return
	}
	l.put(unit.BatchEff, 100*mean/float64(e.Max))
}

func (f Footprint) service(l *ledger) {
	if f.Peak <= f.Idle {
		l.withhold(unit.MemPer1kEmbMB, "no more memory than when idle")
		return
	}
	l.put(unit.MemPer1kEmbMB, megabytes(f.Peak-f.Idle))
}

func share(l *ledger, u unit.Name, cpu time.Duration, cores float64, length time.Duration) {
	l.put(u, percent(cpu, cores, length))
}

// percent of the cores' time that cpu is; NaN when there is no time to divide by.
func percent(cpu time.Duration, cores float64, length time.Duration) float64 {
	return 100 * cpu.Seconds() / (length.Seconds() * cores)
}

// megabytes are 10^6 bytes, as the benchmark format's MB.
func megabytes(bytes uint64) float64 {
	return float64(bytes) / 1e6
}
