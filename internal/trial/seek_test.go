package trial

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/load"
	"stackbench/internal/meter"
	"stackbench/internal/results"
	"stackbench/internal/search"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

// seen is what a load's sample showed.
type seen struct {
	share  search.Share
	broken []meter.Rule
}

// virtual is a search of the goal without a server: show says what each sample
// of a load shows.
func virtual(g goal, plan search.Plan, profile suite.Profile, show func(at float64, rule search.Rule) seen) *seeker {
	s := &seeker{goal: g, probing: probing{
		rig:  &Rig{Options: suite.Options{Profile: profile}},
		leaf: Leaf{Case: suite.Case{Task: stack.TextGeneration, Model: gpt2, Proto: stack.SSE, Load: suite.Load{Kind: g.kind, Limit: 200 * time.Millisecond}}},
	}}
	s.goal.begin = func(context.Context, *seeker) (search.Plan, error) {
		s.found = results.Knee{}
		return plan, nil
	}
	var at float64
	s.goal.rule = func(o suite.Options, load float64) search.Rule {
		at = load
		return g.rule(o, load)
	}
	s.sample = func(_ context.Context, rule search.Rule, _ func(load.Marks) load.Plan, _ func(meter.Window) search.Share) (taken, search.Share, error) {
		is := show(at, rule)
		return taken{sum: summary(is.share.All, 0, is.broken...)}, is.share, nil
	}
	return s
}

func ratePlan() search.Plan {
	return search.Plan{First: 70, Step: 1.25, Close: 1.1, Least: 17, Top: 1600, Most: kneeTries}
}

func userPlan() search.Plan {
	return search.Plan{First: 4, Step: 2, Close: 1.1, Least: 1, Top: 64, Most: usersTries, Whole: true}
}

// TestALoadThatFailsWhileOthersDisturb: what a server cannot do beside others is
// not what it cannot do.
func TestALoadThatFailsWhileOthersDisturb(t *testing.T) {
	good, bad := search.Share{Within: 700, All: 700}, search.Share{Within: 600, All: 700}
	for _, rule := range []meter.Rule{meter.RuleForeign, meter.RuleSteal, meter.RuleThrottled} {
		t.Run(string(rule), func(t *testing.T) {
			s := virtual(kneeGoal(), ratePlan(), suite.Quick, nil)
			takes := []seen{{bad, []meter.Rule{meter.RuleLate, rule}}, {good, nil}}
			s.sample = samples(takes)
			answer, err := s.holds(t.Context(), 70)
			require.NoError(t, err)
			require.Equal(t, search.Holds, answer, "taken again, it held")
			require.Len(t, s.found.Probes, 2)
			require.True(t, s.found.Probes[0].Open)
			require.Equal(t, "undecided: 14.3 % of 700 requests took over 200 ms or failed (12.3–16.6 %), but broken: "+string(rule), s.found.Probes[0].Why)

			s.sample = samples([]seen{takes[0], takes[0]})
			answer, err = s.holds(t.Context(), 90)
			require.NoError(t, err)
			require.Equal(t, search.Unlikely, answer, "left open")

			s.sample = samples([]seen{{bad, []meter.Rule{meter.RuleLate}}})
			answer, err = s.holds(t.Context(), 90)
			require.NoError(t, err)
			require.Equal(t, search.Fails, answer, "an overloaded server makes its client late")
		})
	}
	for _, profile := range []suite.Profile{suite.Quick, suite.Standard} {
		u := virtual(usersGoal(), userPlan(), profile, func(float64, search.Rule) seen { return seen{bad, []meter.Rule{meter.RuleForeign}} })
		answer, err := u.holds(t.Context(), 4)
		require.NoError(t, err, "it ends no search")
		require.Equal(t, search.Unlikely, answer)
		require.Len(t, u.found.Probes, 2)
	}
}

// samples shows one after the other, and fails when asked for more.
func samples(list []seen) sampler {
	return func(context.Context, search.Rule, func(load.Marks) load.Plan, func(meter.Window) search.Share) (taken, search.Share, error) {
		is := list[0]
		list = list[1:]
		return taken{sum: summary(is.share.All, 0, is.broken...)}, is.share, nil
	}
}

// TestASearchEndsBesideNeighboursWhoStay: it goes up from a load that may have
// held, but not for long, and says who kept it from an answer.
func TestASearchEndsBesideNeighboursWhoStay(t *testing.T) {
	for name, c := range map[string]struct {
		goal goal
		plan search.Plan
		most float64 // load that is tried
	}{"knee": {kneeGoal(), ratePlan(), 140}, "users": {usersGoal(), userPlan(), 32}} {
		t.Run(name, func(t *testing.T) {
			highest := 0.0
			s := virtual(c.goal, c.plan, suite.Quick, func(at float64, _ search.Rule) seen {
				highest = max(highest, at)
				return seen{search.Share{All: 700}, []meter.Rule{meter.RuleSteal}}
			})
			_, why, err := s.find(t.Context())
			require.NoError(t, err)
			require.Contains(t, why, "but broken: steal")
			require.LessOrEqual(t, len(s.found.Probes), mostSpoiled*spoiledTakes)
			require.LessOrEqual(t, highest, c.most)
		})
	}
}

// TestWhatASearchSaysThatFoundNothing: each in its own words.
func TestWhatASearchSaysThatFoundNothing(t *testing.T) {
	always := func(within int) func(float64, search.Rule) seen {
		return func(float64, search.Rule) seen { return seen{share: search.Share{Within: within, All: 700}} }
	}
	why := func(s *seeker) string {
		_, why, err := s.find(t.Context())
		require.NoError(t, err)
		require.NotEmpty(t, s.found.Probes)
		require.LessOrEqual(t, len(s.found.Probes), max(kneeTries, usersTries))
		return why
	}
	require.Equal(t, "the limits hold for 1600/s, and no more are tried", why(virtual(kneeGoal(), ratePlan(), suite.Quick, always(700))))
	require.Equal(t, "the limits hold for 64 users, and no more are tried", why(virtual(usersGoal(), userPlan(), suite.Quick, always(700))))
	require.Contains(t, why(virtual(kneeGoal(), ratePlan(), suite.Quick, always(0))), "no rate held; at 18.4/s 100 % of 700 requests")
	require.Contains(t, why(virtual(usersGoal(), userPlan(), suite.Quick, always(0))), "the limits do not hold for one user: 0 % of 700 answers")
	open := func(float64, search.Rule) seen { return seen{share: search.Share{Within: 37, All: 40}} }
	require.Contains(t, why(virtual(usersGoal(), userPlan(), suite.Quick, open)), "no number of users held; at 64 users undecided: 92 %")
	at := func(best float64) func(float64, search.Rule) seen {
		return func(at float64, _ search.Rule) seen {
			if at <= best {
				return seen{share: search.Share{Within: 700, All: 700}}
			}
			return seen{share: search.Share{All: 700}}
		}
	}
	s := virtual(usersGoal(), userPlan(), suite.Standard, at(11))
	require.Empty(t, why(s))
	require.InDelta(t, 11, s.at, 0)
	require.InDelta(t, 11, s.found.High, 0, "the most that may hold")
	s = virtual(kneeGoal(), ratePlan(), suite.Standard, func(at float64, _ search.Rule) seen {
		return seen{search.Share{Within: 700, All: 700}, []meter.Rule{meter.RuleAnswers}}
	})
	require.Equal(t, "broken: answers", why(s), "in standard, what must not be believed ends a search")
	require.Len(t, s.found.Probes, 2)
}

// serves is a virtual server: which share of its answers comes within the limits
// at a load, where it has that part of the machine.
type serves struct {
	goal  goal
	plan  search.Plan
	truth float64 // the load that its limits just hold for
	share func(load, part float64) float64
}

// oneByOne answers one request after the other, in times by chance.
func oneByOne() serves {
	const service, limit = 100.0, 0.2
	return serves{kneeGoal(), ratePlan(), service - math.Log(100)/limit, func(rate, part float64) float64 {
		return 1 - math.Exp(-max(0, part*service-rate)*limit)
	}}
}

// crowded takes longer for a token the more users it has.
func crowded() serves {
	const limit, alone, each, spread = 100.0, 20.0, 1.3, 0.15
	share := func(users, part float64) float64 {
		return 0.5 * math.Erfc(-(math.Log(limit)-math.Log((alone+each*users)/part))/spread/math.Sqrt2)
	}
	most := 1.0
	for share(most+1, 1) >= usersTarget {
		most++
	}
	return serves{usersGoal(), userPlan(), most, share}
}

// beside simulates searches in windows of which others disturb a share: they take
// 30 % of the server, and are seen 99 times in a hundred. published counts those
// that found an answer, right those whose interval holds the truth.
func (v serves) beside(t *testing.T, share float64, heeded bool) (published, right, probes int) {
	t.Helper()
	const times = 300
	rng := rand.New(rand.NewPCG(11, 13))
	show := func(at float64, rule search.Rule) seen {
		probes++
		part, disturbed := 1.0, rng.Float64() < share
		if disturbed {
			part = 0.7
		}
		var got seen
		for n := rule.First(); n > 0; n = rule.More(got.share, 0) {
			got.share.All += n
			for range n {
				if rng.Float64() < v.share(at, part) {
					got.share.Within++
				}
			}
		}
		if disturbed && rng.Float64() < 0.99 && (heeded || rule.Decide(got.share) >= search.Likely) {
			got.broken = []meter.Rule{meter.RuleForeign}
		}
		return got
	}
	for range times {
		b, why, err := virtual(v.goal, v.plan, suite.Quick, show).find(t.Context())
		require.NoError(t, err)
		if why != "" {
			continue
		}
		published++
		if b.Holds <= v.truth && v.truth < b.Fails {
			right++
		}
	}
	t.Logf("%.0f %% disturbed, heeded %t: %d of %d published, %d right, %.1f samples each", 100*share, heeded, published, times, right, float64(probes)/times)
	return published, right, probes
}

// TestHowOftenNeighboursSpoilASearch measures what it brings and costs that a
// failure beside others is none.
func TestHowOftenNeighboursSpoilASearch(t *testing.T) {
	for name, c := range map[string]struct {
		server           serves
		before           float64 // share of the answers that are right when it is the server's, at most
		right, published float64 // that are, and of the searches that have one, at least
	}{"knee": {oneByOne(), 0.7, 0.85, 0.8}, "users": {crowded(), 0.6, 0.8, 0.8}} {
		t.Run(name, func(t *testing.T) {
			published, right, probes := c.server.beside(t, 0, true)
			require.GreaterOrEqual(t, published, 270)
			require.GreaterOrEqual(t, float64(right), c.right*float64(published))
			_, _, before := c.server.beside(t, 0, false)
			require.Equal(t, before, probes, "on a quiet machine nothing is taken again")

			published, right, _ = c.server.beside(t, 0.3, false)
			require.Less(t, float64(right), c.before*float64(published), "a neighbour's failures were the server's")
			published, right, _ = c.server.beside(t, 0.3, true)
			require.GreaterOrEqual(t, float64(published), c.published*300)
			require.GreaterOrEqual(t, float64(right), c.right*float64(published))
		})
	}
}
