package meter

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"stackbench/internal/record"
)

// scenario is a load on a simulated server, in virtual time. It leaves the
// records that the load engine leaves.
type scenario struct {
	shape   shape
	users   int           // of a closed loop
	rate    float64       // of an open one, Poisson
	service time.Duration // mean
	spread  float64       // standard deviation ÷ mean
	noise   noise
	length  time.Duration
	course  func(at float64) float64 // service times' factor at a share of the window; nil: 1
}

// shape is how a server takes requests.
type shape int

const (
	inTurn   shape = iota // one after the other
	lockStep              // all that wait at once, in one batch; a batch takes a service time
	beside                // each user has a worker
)

// noise is what service times scatter like.
type noise int

const (
	lognormal   noise = iota
	correlated        // with a lognormal factor that half forgets itself in 20 requests
	exponential       // M/M/1
	constant          // M/D/1
)

const simulatedWarmup = 2 * time.Second

// simulation is one draw of a scenario.
type simulation struct {
	scenario
	*rand.Rand
	slow float64 // state of correlated noise
}

// serviceTime draws a service time that begins at an instant of the window.
func (s *simulation) serviceTime(begin time.Duration) time.Duration {
	took := float64(s.service)
	sigma := math.Sqrt(math.Log1p(s.spread * s.spread))
	switch s.noise {
	case lognormal:
		took *= math.Exp(sigma*s.NormFloat64() - sigma*sigma/2)
	case correlated:
		keep := math.Pow(0.5, 1/20.0)
		s.slow = keep*s.slow + math.Sqrt(1-keep*keep)*s.NormFloat64()
		took *= math.Exp(sigma * (0.8*s.NormFloat64() + 0.6*s.slow))
	case exponential:
		took *= s.ExpFloat64()
	}
	if s.course != nil {
		took *= s.course(max(0, begin.Seconds()) / s.length.Seconds())
	}
	return time.Duration(took)
}

// window runs the scenario, warm-up first, and leaves its window.
func (c scenario) window(seed uint64) Window {
	s := &simulation{scenario: c, Rand: rand.New(rand.NewPCG(seed, 7))}
	s.slow = s.NormFloat64()
	w := Window{Length: c.length, Conns: c.users, Open: c.rate > 0}
	var all []record.Record
	switch {
	case w.Open:
		all = s.arrivals()
	case c.shape == lockStep:
		all = s.batches()
	case c.shape == beside:
		for range c.users {
			all = append(all, s.turns(1)...)
		}
	default:
		all = s.turns(c.users)
	}
	w.Records = slices.DeleteFunc(all, func(r record.Record) bool { return r.Intended < 0 || r.Intended >= c.length })
	byTime := func(a, b record.Record) int { return cmp.Compare(a.Intended, b.Intended) }
	if !slices.IsSortedFunc(w.Records, byTime) {
		slices.SortStableFunc(w.Records, byTime)
	}
	return w
}

// room is for about as many records as there will be, one each so often.
func (s *simulation) room(each time.Duration) []record.Record {
	return make([]record.Record, 0, int((s.length+simulatedWarmup)/each)*5/4+16)
}

// turns is a server that answers users one after the other.
func (s *simulation) turns(users int) []record.Record {
	sent := make([]time.Duration, users)
	for i := range sent {
		sent[i] = -simulatedWarmup
	}
	free := -simulatedWarmup
	out := s.room(s.service)
	for i := 0; ; i = (i + 1) % users {
		if sent[i] >= s.length {
			return out
		}
		begin := max(free, sent[i])
		free = begin + s.serviceTime(begin)
		out = append(out, good(sent[i], free-sent[i]))
		sent[i] = free
	}
}

// batches is a server that answers all users at once.
func (s *simulation) batches() []record.Record {
	out := s.room(s.service / time.Duration(s.users))
	for at := -simulatedWarmup; at < s.length; {
		took := s.serviceTime(at)
		for range s.users {
			out = append(out, good(at, took))
		}
		at += took
	}
	return out
}

// arrivals is an open loop on a server that answers one after the other.
func (s *simulation) arrivals() []record.Record {
	out := s.room(time.Duration(1e9 / s.rate))
	free := -simulatedWarmup
	for at := -simulatedWarmup; at < s.length; at += time.Duration(s.ExpFloat64() / s.rate * 1e9) {
		begin := max(free, at)
		free = begin + s.serviceTime(begin)
		out = append(out, good(at, free-at))
	}
	return out
}
