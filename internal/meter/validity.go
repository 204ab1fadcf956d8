package meter

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Rule names one of the conditions of a valid window.
type Rule string

const (
	RuleDropped   Rule = "dropped"    // no arrival was dropped
	RuleLate      Rule = "late"       // the p99 of t_send − t_sched stays within max(1 ms, 5 % of the median service time)
	RuleClientCPU Rule = "client-cpu" // the client used at most 60 % of its cores
	RuleAnswers   Rule = "answers"    // the answers passed the quality gate
	RuleTokens    Rule = "tokens"     // the server counts at most 2 % more tokens than its texts have, and chance explains
	RuleCached    Rule = "cached"     // inputs that came again were not answered in under half the time of new ones
	RuleFailed    Rule = "failed"     // at most 1 % of the requests failed
	RuleRestarted Rule = "restarted"  // no worker of the server died
	RulePrefix    Rule = "prefix"     // the server found at most 1 % of the prompts' tokens among those of earlier prompts, where the prompts are not meant to share any
	RuleSteady    Rule = "steady"     // a steady state was reached (standard and full)
)

// Reason is a rule that a sample broke, in words for the reader.
type Reason struct {
	Rule Rule
	Text string
}

const (
	clientLimit   = 60.0 // % of the client's cores
	failedLimit   = 0.01 // share of the issued requests
	prefixLimit   = 0.01 // share of the prompts' tokens
	lateFloor     = time.Millisecond
	lateOfService = 20 // the limit is one 20th of the median service time
)

// invalid lists the rules that the sample broke, in the order of the constants.
func (p *sample) invalid(e Evidence, s Steadiness) []Reason {
	var broken []Reason
	add := func(r Rule, text string) {
		if text != "" {
			broken = append(broken, Reason{r, text})
		}
	}
	add(RuleDropped, p.brokenDropped())
	add(RuleLate, p.brokenLate())
	add(RuleClientCPU, p.brokenClient(e.Client))
	if a := e.Answers; a != nil {
		if !a.OK {
			add(RuleAnswers, "answers: "+a.Reason)
		}
		add(RuleTokens, a.Claims.over())
		if !e.MayShare {
			add(RuleCached, remembered(a.Pairs))
		}
	}
	add(RuleFailed, p.brokenFailed())
	if e.Told.Restarted {
		add(RuleRestarted, "a worker of the server died in the window; what it was computing failed, and what came next waited for another")
	}
	if share := e.Told.Cached; share != nil && !e.MayShare && *share > prefixLimit {
		add(RulePrefix, fmt.Sprintf("the server had %.0f %% of the prompts' tokens in its prefix cache, over %.0f %%: it did not compute what was asked", 100**share, 100*prefixLimit))
	}
	if e.NeedSteady && s.Verdict != IsSteady {
		add(RuleSteady, "no steady state: "+s.Detail)
	}
	return broken
}

func (p *sample) brokenDropped() string {
	if p.dropped == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d arrivals were dropped: the client's queue was full", p.dropped, p.issued)
}

// brokenLate ranks whatever sends there are, also fewer than a published p99
// needs: too strict is right for a rule that guards the truth.
func (p *sample) brokenLate() string {
	if !p.open || len(p.late) == 0 {
		return ""
	}
	p99, _ := nearestRank(slices.Sorted(slices.Values(p.late)), 0, 99)
	limit := lateFloor
	if median, ok := nearestRank(slices.Sorted(slices.Values(p.service)), 0, 50); ok {
		limit = max(limit, median/lateOfService)
	}
	if p99 <= limit {
		return ""
	}
	return fmt.Sprintf("sends were late: p99 %s, over %s", inMilliseconds(p99), inMilliseconds(limit))
}

func (p *sample) brokenClient(c *ClientUse) string {
	if c == nil {
		return ""
	}
	used := percent(c.CPU, c.Cores, p.length)
	if used <= clientLimit {
		return ""
	}
	if !finite(used) {
		return "the client's CPU share is unknown"
	}
	return fmt.Sprintf("the client used %.0f %% of its cores, over %.0f %%", used, clientLimit)
}

func (p *sample) brokenFailed() string {
	failed := p.issued - len(p.good)
	switch {
	case p.issued == 0:
		return "no request was issued"
	case float64(failed) <= failedLimit*float64(p.issued):
		return ""
	}
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(p.failed)) {
		kinds = append(kinds, fmt.Sprintf("%d × %s", p.failed[kind], kind))
	}
	return fmt.Sprintf("%d of %d requests failed, over %.0f %%: %s", failed, p.issued, 100*failedLimit, strings.Join(kinds, ", "))
}

// inMilliseconds writes a duration with three significant digits.
func inMilliseconds(d time.Duration) string {
	ms := milliseconds(d)
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.2f ms", ms)
	}
}
