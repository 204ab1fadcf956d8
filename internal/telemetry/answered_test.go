package telemetry

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ownPage is what a server of ours tells after so many answers, of which each
// was counted so many times as computed.
func ownPage(good, refused, times int) []byte {
	return fmt.Appendf(nil, `# TYPE stackbench_queue_seconds histogram
stackbench_queue_seconds_sum{model="m"} %[1]d
stackbench_queue_seconds_count{model="m"} %[1]d
# TYPE stackbench_compute_seconds histogram
stackbench_compute_seconds_sum{model="m"} %[2]d
stackbench_compute_seconds_count{model="m"} %[2]d
# TYPE stackbench_requests_total counter
stackbench_requests_total{model="m",code="200"} %[1]d
stackbench_requests_total{model="m",code="429"} %[3]d
stackbench_requests_total{model="other",code="200"} 1000
`, good, good*times, refused)
}

// A server that counts a stage by the step of a decoder, as one of ours did,
// tells a mean that is none of a request.
func TestAStageThatIsNotCountedOnceARequestIsNotTold(t *testing.T) {
	source := Source{Model: "m", Underway: 4}
	work := func(times int) []Stage {
		before, err := parseOwn(ownPage(2, 0, times), source)
		require.NoError(t, err)
		after, err := parseOwn(ownPage(12, 30, times), source)
		require.NoError(t, err)
		require.Equal(t, &Answered{Good: 12, All: 42, Edge: 8}, after.Answered)
		did, err := after.Since(before)
		require.NoError(t, err)
		total, err := Reading{}.Grown(before, after)
		require.NoError(t, err)
		all, err := total.Since(Reading{})
		require.NoError(t, err)
		require.Equal(t, did.Stages, all.Stages)
		return did.Stages
	}
	require.Equal(t, []Stage{{Queue, time.Second}, {Compute, time.Second}}, work(1))
	require.Equal(t, []Stage{{Queue, time.Second}}, work(128))
	require.Equal(t, []Stage{{Queue, time.Second}}, work(0), "that it does not count at all")

	fell, err := parseOwn(ownPage(1, 0, 1), source)
	require.NoError(t, err)
	_, err = fell.Since(Reading{Answered: &Answered{Good: 2, All: 2}})
	require.EqualError(t, err, "requests: a counter went backwards: was the server restarted?")
}

// crowd is a closed loop of users on a server that counts a stage some way into
// each request, as often as told, and the request when it ends.
type crowd struct {
	users   int
	answers float64 // that one user gets in a window, on average
	times   int     // that a stage is counted a request
	leaving float64 // share of the requests whose user leaves, while the server goes on
	staying float64 // the most of the answer's time that such a user waits
	dice    *rand.Rand
}

// readings are taken at the edges of a window between 0 and 1.
func (c crowd) readings() (before, after Reading) {
	before = Reading{Stages: map[string]Sum{}, Answered: &Answered{Edge: 2 * float64(c.users)}}
	after = Reading{Stages: map[string]Sum{}, Answered: &Answered{Edge: 2 * float64(c.users)}}
	count := func(r *Reading, ended, staged bool) {
		if ended {
			r.Answered.Good++
			r.Answered.All++
		}
		if staged {
			s := r.Stages[Compute]
			r.Stages[Compute] = Sum{s.Count + 1, s.Seconds + 1}
		}
	}
	into := c.dice.Float64() // how far into a request its stage is counted
	for range c.users {
		for at := -2 * c.dice.Float64(); at < 1; {
			takes := math.Exp(c.dice.NormFloat64()/2) / c.answers
			count(&before, at+takes < 0, false)
			count(&after, at+takes < 1, false)
			for i := range c.times {
				when := at + takes*into
				if c.times > 1 {
					when = at + takes*float64(i+1)/float64(c.times)
				}
				count(&before, false, when < 0)
				count(&after, false, when < 1)
			}
			if c.dice.Float64() < c.leaving {
				takes *= c.staying * c.dice.Float64()
			}
			at += takes
		}
	}
	return before, after
}

// TestHowOftenTheCountOfAStageMisleads: of windows of a few answers a user, how
// many have a good stage that is not told, and how many a bad one that is.
func TestHowOftenTheCountOfAStageMisleads(t *testing.T) {
	const windows = 300
	for _, c := range []struct {
		name    string
		crowd   crowd
		least   float64 // share of the windows whose stage is told
		most    float64
		message string
	}{
		{"one user", crowd{users: 1, answers: 5, times: 1}, 1, 1, "no false alarm: it is a bound"},
		{"a crowd", crowd{users: 64, answers: 2, times: 1}, 1, 1, "no false alarm"},
		{"many answers", crowd{users: 8, answers: 200, times: 1}, 1, 1, "no false alarm"},
		{"users that leave", crowd{users: 16, answers: 20, times: 1, leaving: 0.1, staying: 1}, 1, 1, "no false alarm"},
		{"users that leave at once", crowd{users: 16, answers: 4, times: 1, leaving: 0.9, staying: 0.2}, 0.5, 0.99, "false alarms: the server goes on with more than clients have under way"},
		{"a step a token of 128", crowd{users: 1, answers: 2, times: 128}, 0, 0, "no miss"},
		{"a step a token of 128, a crowd", crowd{users: 16, answers: 1, times: 128}, 0, 0, "no miss"},
		{"a step a token of 8", crowd{users: 4, answers: 4, times: 8}, 0, 0.01, "no miss to speak of"},
		{"two steps a request", crowd{users: 4, answers: 10, times: 2}, 0, 0.01, "no miss to speak of"},
		{"two steps a request, few answers", crowd{users: 16, answers: 1, times: 2}, 0.9, 1, "missed: as many as are under way at the edges"},
	} {
		c.crowd.dice = rand.New(rand.NewPCG(7, 11))
		told, had := 0.0, 0.0
		for range windows {
			before, after := c.crowd.readings()
			if after.Stages[Compute].Count == before.Stages[Compute].Count {
				continue
			}
			did, err := after.Since(before)
			require.NoError(t, err)
			had++
			told += float64(len(did.Stages))
		}
		require.Greater(t, had, windows*0.8, c.name)
		t.Logf("%-35s told in %5.1f %% of the windows", c.name, 100*told/had)
		require.GreaterOrEqual(t, told/had, c.least, "%s: %s", c.name, c.message)
		require.LessOrEqual(t, told/had, c.most, "%s: %s", c.name, c.message)
	}
}
