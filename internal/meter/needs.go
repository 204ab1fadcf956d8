package meter

import (
	"math"
	"time"

	"stackbench/internal/record"
	"stackbench/internal/unit"
)

// What a window must hold so that a change by 20 % in it is found nine times
// out of ten, as TestSteadinessErrs measures.
const (
	enough       = 0.030 // standard error of the logarithm that a half of the window may have
	enoughRounds = 2 * leastRounds
	queueing     = 0.5 // requests in the server, in the mean, over which some wait
)

// Needed is how long a window of a load should be to be judged, and to show a
// p95, by a short window of the same load. 0 when that one shows nothing.
func Needed(pilot Window, rate float64) time.Duration {
	var good []time.Duration
	var sum time.Duration
	for _, r := range byIssue(pilot.Records) {
		if r.Outcome == record.Good {
			t := max(1, latency(r, pilot.Open))
			good, sum = append(good, t), sum+t
		}
	}
	if len(good) == 0 {
		return 0
	}
	took := sum / time.Duration(len(good))
	if pilot.Open {
		return NeededOpen(rate, rate*took.Seconds() > queueing)
	}
	users := max(1, pilot.Conns)
	rounds := max(enoughRounds, (unit.Needs(95)+users-1)/users, roundsFor(good, users))
	return time.Duration(float64(rounds+1) * 1.05 * float64(took))
}

// NeededOpen is that of an open loop, in which requests wait or do not. Arrivals
// are random: three deviations more than are needed come nearly always.
func NeededOpen(rate float64, wait bool) time.Duration {
	n := float64(unit.Needs(95))
	if wait {
		n = QueueNeeds
	}
	return time.Duration((n + 3*math.Sqrt(n)) / rate * float64(time.Second))
}

// roundsFor is how many rounds it takes for the error that is small enough, by
// how the rounds of a pilot scatter. Of few rounds that is itself uncertain.
func roundsFor(took []time.Duration, users int) int {
	logs := logarithms(took)
	rounds := len(logs) / users
	if rounds < 2 {
		return 0
	}
	means, squares := blockMeans(logs, users, rounds), 0.0
	for _, m := range means {
		squares += math.Pow(m-average(means), 2)
	}
	deviation := math.Sqrt(squares/float64(rounds-1)) * (1 + 1/math.Sqrt(float64(rounds)))
	return int(math.Ceil(math.Pow(2*deviation/enough, 2)))
}

// pilotRounds are those of a pilot from which scatter can be told.
const pilotRounds = 8

// LongerPilot is how long a pilot should have been to tell what Needed asks;
// 0 when it was long enough.
func LongerPilot(pilot Window) time.Duration {
	users, ended := max(1, pilot.Conns), time.Duration(0)
	if pilot.Open || len(pilot.Records) >= pilotRounds*users || len(pilot.Records) == 0 {
		return 0
	}
	for _, r := range pilot.Records {
		ended += max(r.Done, r.Last) - r.Sent
	}
	return pilotRounds * ended / time.Duration(len(pilot.Records))
}
