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
	RuleLate      Rule = "late"       // at most 1 % of the sends were later than max(1 ms, 5 % of the median service time), as far as their number can tell
	RuleClientCPU Rule = "client-cpu" // the client used at most 60 % of its cores
	RuleAnswers   Rule = "answers"    // the answers passed the quality gate
	RuleTokens    Rule = "tokens"     // the server counts at most 2 % more tokens than its texts have, and chance explains, or than its streams carried
	RuleCached    Rule = "cached"     // inputs that came again were not answered in under half the time of new ones
	RuleFailed    Rule = "failed"     // at most 1 % of the requests failed
	RuleRestarted Rule = "restarted"  // no worker of the server died
	RulePrefix    Rule = "prefix"     // the server found at most 1 % of the prompts' tokens among those of earlier prompts, where the prompts are not meant to share any
	RuleTelemetry Rule = "telemetry"  // the server's own counters could be read, where it has some
	RuleSteady    Rule = "steady"     // a steady state was reached (standard and full)
)

// unsure is the doubt that a sample's steadiness cannot be told; nil when it
// can, or is not needed.
func (e Evidence) unsure(s Steadiness) []Reason {
	if !e.NeedSteady || s.Verdict != TooShort {
		return nil
	}
	return []Reason{{RuleSteady, "perhaps no steady state: " + s.Detail}}
}

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
	lateShare     = 0.01 // of the sends
	lateOfService = 20   // the limit is one 20th of the median service time
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
	if e.Telemetry.Restarted {
		add(RuleRestarted, "a worker of the server died in the window; what it was computing failed, and what came next waited for another")
	}
	if share := e.Telemetry.Cached; share != nil && !e.MayShare && *share > prefixLimit {
		add(RulePrefix, fmt.Sprintf("the server had %.0f %% of the prompts' tokens in its prefix cache, over %.0f %%: it did not compute what was asked", 100**share, 100*prefixLimit))
	}
	if e.NeedSteady && s.Verdict == NotSteady {
		add(RuleSteady, "no steady state: "+s.Detail)
	}
	return append(broken, e.disturbed(p.open)...)
}

// disturbed lists what others did that makes the sample invalid. What is a
// doubt in quick is too much for evidence.
func (e Evidence) disturbed(open bool) []Reason {
	if e.Foreign == nil {
		return nil
	}
	invalid, doubts := e.Foreign.Broken(open)
	for _, d := range doubts {
		if e.NeedSteady && d.Rule.Disturbed() {
			invalid = append(invalid, d)
		}
	}
	return invalid
}

// doubts lists why a sample that is valid may be off.
func (e Evidence) doubts(open bool) []Reason {
	var doubts []Reason
	if e.Foreign != nil {
		_, doubts = e.Foreign.Broken(open)
		doubts = slices.DeleteFunc(doubts, func(d Reason) bool { return e.NeedSteady && d.Rule.Disturbed() })
	}
	if e.Untold != "" {
		doubts = append(doubts, Reason{RuleTelemetry, "the server's own counters could not be read: " + e.Untold})
	}
	return doubts
}

func (p *sample) brokenDropped() string {
	if p.dropped == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d arrivals were dropped: the client's queue was full", p.dropped, p.issued)
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
