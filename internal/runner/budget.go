package runner

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// MostRounds is as many trials as a budget is spent on: more tell little more.
const MostRounds = 20

// Budget is the time that a run may take. It is spent in whole rounds.
type Budget struct {
	Limit time.Duration
	Now   func() time.Time // the clock
}

// Round is one trial of every stack and group.
func Round(jobs []Job) (seconds float64) {
	for _, j := range jobs {
		if j.Trial == 1 {
			seconds += j.Seconds()
		}
	}
	return seconds
}

// Fits is how many rounds of so many seconds fit into the budget.
func (b Budget) Fits(seconds float64) int {
	return min(int(b.Limit.Seconds()/max(seconds, 1)), MostRounds)
}

// Spend runs whole rounds while another one as long as the longest so far fits.
// The first one was found to fit. It returns how many were run.
func (b Budget) Spend(rounds [][]Job, over func() bool, run func(round []Job) error) (done int, err error) {
	start, longest := b.Now(), time.Duration(0)
	for _, round := range rounds {
		began := b.Now()
		if over() || done > 0 && began.Sub(start)+longest > b.Limit {
			return done, err
		}
		err = errors.Join(err, run(round))
		longest = max(longest, b.Now().Sub(began))
		done++
		var lost *Lost
		if errors.As(err, &lost) { // so would all that follow be
			return done, err
		}
	}
	return done, err
}

// Rounds cuts jobs into those of one trial each, in their order.
func Rounds(jobs []Job) [][]Job {
	var out [][]Job
	for i, j := range jobs {
		if i == 0 || j.Trial != jobs[i-1].Trial {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], j)
	}
	return out
}

// intervalNeeds is how many trials a 95 % interval of a median needs.
const intervalNeeds = 6

// Evidence says what so many trials of each stack can show at best: the
// smallest p of the rank test is one in the ways to part the trials, two-sided,
// and Holm's correction multiplies it by the metrics that are compared.
func Evidence(trials int) string {
	const level = 0.05
	a, _ := math.Lgamma(float64(2*trials + 1))
	b, _ := math.Lgamma(float64(trials + 1))
	least := 2 * math.Exp(2*b-a)
	switch {
	case trials == 1:
		return "1 trial: an indication, no verdict"
	case least >= level:
		return fmt.Sprintf("%d trials: no verdict can reach p < %.2f (at best %.2f); 4 can", trials, level, least)
	}
	most := int(level / least * (1 - 1e-9))
	what := "verdicts, no intervals"
	if trials >= intervalNeeds {
		what = "intervals and verdicts"
	}
	if most >= 1000 {
		return fmt.Sprintf("%d trials: %s", trials, what)
	}
	return fmt.Sprintf("%d trials: %s (p at best %.2g: where at most %s compared)", trials, what, least, metrics(most))
}

func metrics(n int) string {
	if n == 1 {
		return "1 metric is"
	}
	return fmt.Sprintf("%d metrics are", n)
}
