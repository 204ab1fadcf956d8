package bench

import (
	"stackbench/internal/load"
)

const (
	keptAnswers = 48 << 20 // bytes of a window's answers, for checking
	openConns   = 256      // cap of an open loop: far above what a stack answers at once
	openQueue   = 1024
)

// planOf is the case as the load engine takes it.
func planOf(c Case, o Options, marks load.Marks) load.Plan {
	if c.Load.rate() > 0 {
		return open(o, float64(c.Load.rate()), marks)
	}
	return closed(o, c.Load.conc(), marks)
}

// closed is a closed loop of that many users.
func closed(o Options, conc int, marks load.Marks) load.Plan {
	return load.Plan{
		Conns: conc, Warmup: o.Profile.Warmup(), Window: o.length(),
		Timeout: requestLimit, Keep: keptAnswers, Marks: marks,
	}
}

// open is an open loop of that many requests a second.
func open(o Options, rate float64, marks load.Marks) load.Plan {
	p := closed(o, openConns, marks)
	p.Arrivals, p.Queue = load.Arrivals{Rate: rate, Poisson: true, Seed: o.salt()}, openQueue
	return p
}
