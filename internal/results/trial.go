package results

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stackbench/internal/unit"
)

// Trial is one measured leaf of one trial: a line of trials.jsonl.
type Trial struct {
	Name     string                    `json:"name"`            // the benchmark's full name, as Name.String writes it
	Trial    int                       `json:"trial"`           // from 1
	Again    bool                      `json:"again,omitempty"` // the same stack measured a second time, to show what differs with nothing changed; no sample of the stack
	Started  time.Time                 `json:"started"`
	Seconds  float64                   `json:"seconds"`           // length of the window
	Error    string                    `json:"error,omitempty"`   // why there is no measurement; then nothing below is set
	Metrics  map[unit.Name]float64     `json:"metrics,omitempty"` // by unit; finite and above zero
	Withheld map[unit.Name]string      `json:"withheld,omitempty"`
	Invalid  []Reason                  `json:"invalid,omitempty"` // why the numbers must not be believed
	Doubts   []Reason                  `json:"doubts,omitempty"`  // why they may be off; shown with a mark, and never best
	Foreign  *Foreign                  `json:"foreign,omitempty"` // what others used of the machine; nil when nobody looked
	Steady   string                    `json:"steady,omitempty"`  // steady, none, too short
	Unsteady string                    `json:"unsteady,omitempty"`
	Issued   int                       `json:"issued"`
	Failed   map[string]int            `json:"failed,omitempty"` // requests without a good answer, by outcome
	Answers  Answers                   `json:"answers"`
	Floor    *Floor                    `json:"floor_ms,omitempty"`  // nil when it was not measured
	Stages   map[string]float64        `json:"stages_ms,omitempty"` // mean time in the parts of the server that it tells
	Views    []View                    `json:"views,omitempty"`     // of generated text: the server's own figures beside ours
	Server   Server                    `json:"server"`
	GPU      *Cards                    `json:"gpu,omitempty"`    // what its GPUs did; nil without one
	Knee     *Knee                     `json:"knee,omitempty"`   // of a search; the other figures are then of the window at the highest rate that held
	Raw      map[unit.Series][]float64 `json:"raw_us,omitempty"` // raw times of the good answers, by issue time
}

// Floor is what the client itself takes: response times of the same requests
// and load on a server that answers at once. They are part of every response
// time of the trial, and never subtracted.
type Floor struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95,omitempty"` // 0: too few requests
}

// View is one quantity as the server counted it and as the client did, both
// between the window's edges: the mean over what each saw end in it.
type View struct {
	What   string  `json:"what"` // ttft-mean-ms, itl-mean-ms, tok/s
	Server float64 `json:"server"`
	Client float64 `json:"client"`
}

// Knee is the search for the highest rate whose p99 holds a limit, or for the
// most users for whom the limits of generated text do.
type Knee struct {
	LimitMS  float64 `json:"limit_ms,omitempty"`
	TTFTMS   float64 `json:"ttft_limit_ms,omitempty"`
	ITLMS    float64 `json:"itl_limit_ms,omitempty"`
	Capacity float64 `json:"capacity_rps,omitempty"` // of the closed loop that the search for a rate starts from
	Low      float64 `json:"low,omitempty"`          // highest load that held beyond doubt; what was sought lies from it
	High     float64 `json:"high,omitempty"`         // to here; 0 of both: not known
	Probes   []Probe `json:"probes"`                 // in the order in which they were measured
}

// Probe is one measured window of a search.
type Probe struct {
	Rate     float64 `json:"rate,omitempty"`   // asked for, requests a second
	Users    int     `json:"users,omitempty"`  // or asked for, users
	Within   float64 `json:"within,omitempty"` // share of the requests within the limits
	Low      float64 `json:"low,omitempty"`    // Wilson's interval of that share
	High     float64 `json:"high,omitempty"`
	Open     bool    `json:"open,omitempty"`   // it holds the share that is needed: undecided
	Rps      float64 `json:"rps,omitempty"`    // good answers a second
	P99MS    float64 `json:"p99_ms,omitempty"` // 0: it falls on a failed request, or there are too few for it
	Requests int     `json:"requests"`
	Holds    bool    `json:"holds"`
	Why      string  `json:"why,omitempty"` // why it does not hold, or why it must not be believed
}

// Answers is the quality gate's verdict.
type Answers struct {
	Checked  int      `json:"checked"`
	Of       int      `json:"of,omitempty"` // answers that came; 0 in runs that did not count them
	Agree    int      `json:"agree"`
	Worst    float64  `json:"worst"` // distance, in the rule's measure
	Rule     string   `json:"rule,omitempty"`
	Reasons  []string `json:"reasons,omitempty"`
	Accuracy float64  `json:"accuracy,omitempty"` // share of labelled inputs classified right; with trained weights only
}

// Server says what answered.
type Server struct {
	Launcher string  `json:"launcher"` // container, process, attach
	Image    string  `json:"image,omitempty"`
	Digest   string  `json:"digest,omitempty"`
	Version  string  `json:"version,omitempty"` // of the runtime, as the server says it
	ReadyS   float64 `json:"ready_s,omitempty"`
	Threads  int     `json:"threads,omitempty"`
	Cores    string  `json:"cores,omitempty"`   // list of processors it was pinned to
	Source   string  `json:"weights,omitempty"` // hub, package, seeded; unknown of an attached server
	SHA256   string  `json:"weights_sha256,omitempty"`
}

// unitName is what a benchmark line can hold as a unit, and a reader can take in.
var unitName = regexp.MustCompile(`^[!-~]{1,64}$`)

// check says what keeps a trial from being a true record.
func (t Trial) check() error {
	if _, err := ParseName(t.Name); err != nil {
		return err
	}
	if t.Trial < 1 {
		return fmt.Errorf("trial number %d", t.Trial)
	}
	for u, v := range t.Metrics {
		if !unitName.MatchString(string(u)) {
			return fmt.Errorf("%q is no unit of a benchmark line", u)
		}
		if math.IsNaN(v) || math.IsInf(v, 0) || v <= 0 {
			return fmt.Errorf("%s is %v, and a benchmark line cannot hold that", u, v)
		}
	}
	for series, times := range t.Raw {
		for _, us := range times {
			if math.IsNaN(us) || math.IsInf(us, 0) || us < 0 {
				return fmt.Errorf("a latency of %v µs in the raw series %s", us, series)
			}
		}
	}
	if f := t.Floor; f != nil && !(f.P50 > 0 && f.P95 >= 0 && !math.IsInf(f.P50+f.P95, 0)) {
		return fmt.Errorf("a client floor of %v and %v ms", f.P50, f.P95)
	}
	if err := t.Foreign.check(); err != nil {
		return err
	}
	if t.Knee != nil {
		if err := t.Knee.check(); err != nil {
			return err
		}
	}
	if t.GPU != nil {
		if err := t.GPU.check(); err != nil {
			return err
		}
	}
	if t.Error != "" && len(t.Metrics) > 0 {
		return errors.New("an error and metrics in one trial")
	}
	return nil
}

func (k Knee) check() error {
	if !(k.Low >= 0 && k.High >= 0) || math.IsInf(k.Low+k.High, 0) || k.High > 0 && k.High < k.Low {
		return fmt.Errorf("a search that found %v to %v", k.Low, k.High)
	}
	for _, p := range k.Probes {
		if !(p.Rate > 0) && p.Users < 1 || math.IsInf(p.Rate, 0) || !(p.P99MS >= 0) || math.IsInf(p.P99MS, 0) {
			return fmt.Errorf("a probe at %v requests a second with a p99 of %v ms", p.Rate, p.P99MS)
		}
	}
	return nil
}

// BenchLine is the trial in Go's benchmark format, one line without its end;
// "" when it has no metric or is no sample of its stack. Values keep all their digits.
func (t Trial) BenchLine() string {
	if len(t.Metrics) == 0 || t.Again {
		return ""
	}
	var b strings.Builder
	b.WriteString("Benchmark" + t.Name + " 1")
	units := slices.SortedFunc(maps.Keys(t.Metrics), func(a, b unit.Name) int {
		if (a == unit.NsPerOp) != (b == unit.NsPerOp) { // where every reader of benchmarks looks first
			if a == unit.NsPerOp {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
	for _, u := range units {
		b.WriteString(" " + strconv.FormatFloat(t.Metrics[u], 'f', -1, 64) + " " + string(u))
	}
	return b.String()
}

// Failures counts the requests without a good answer.
func (t Trial) Failures() int {
	sum := 0
	for _, n := range t.Failed {
		sum += n
	}
	return sum
}
