package quality

import (
	"fmt"
	"strings"
)

// Verdict says whether the checked answers are right.
type Verdict struct {
	Checked int     // answers, not requests: a batch of 8 is 8 answers
	Agree   int     // of them right by the rule
	Worst   float64 // the largest distance seen, in the rule's measure
	Mean    float64 // the mean distance
	Error   float64 // the largest difference of a number from the right one, as a share of the largest right one
	Of      int     // answers that came, of which these were checked; 0 when nobody counted
	Rule    string  // what right means: "top-1, logits within 1e-3"
	Reasons []string
}

// OK reports that there were answers and all of them were right.
func (v Verdict) OK() bool {
	return v.Checked > 0 && len(v.Reasons) == 0
}

// String is the verdict as a report prints it:
// "120 of 120 agree (top-1, logits within 1e-3)".
func (v Verdict) String() string {
	if v.Checked == 0 {
		return "no answer was checked"
	}
	of := ""
	if v.Of > 0 {
		of = fmt.Sprintf(", of %d", v.Of)
	}
	return fmt.Sprintf("%d of %d agree%s (%s)", v.Agree, v.Checked, of, v.Rule)
}

// And is the verdict on both: the answers of one, and those of another by
// another rule.
func (v Verdict) And(w Verdict) Verdict {
	if w.Checked == 0 && len(w.Reasons) == 0 {
		return v
	}
	if total := v.Checked + w.Checked; total > 0 {
		v.Mean = (v.Mean*float64(v.Checked) + w.Mean*float64(w.Checked)) / float64(total)
	}
	v.Checked, v.Agree = v.Checked+w.Checked, v.Agree+w.Agree
	v.Worst, v.Error, v.Of = max(v.Worst, w.Worst), max(v.Error, w.Error), max(v.Of, w.Of)
	v.Rule += "; " + w.Rule
	v.Reasons = append(append([]string(nil), v.Reasons...), w.Reasons...)
	return v
}

// Reason is, in one line, why the verdict is not OK; "" when it is.
func (v Verdict) Reason() string {
	switch {
	case v.OK():
		return ""
	case len(v.Reasons) == 0:
		return v.String()
	}
	return v.String() + ": " + strings.Join(v.Reasons, "; ")
}

// examples is how many faults a verdict quotes; the rest are only counted.
const examples = 3

// tally collects the checks of a window.
type tally struct {
	checked, agree int
	worst, sum     float64
	off            float64 // largest difference of a number
	measured       int
	quoted         []string
	seen           map[string]bool
	unquoted       int
	blind          string // why the gate could not tell a wrong answer; "" when it can
}

func (t *tally) right(distance float64) {
	t.checked++
	t.agree++
	t.measure(distance)
}

// wrong counts a wrong or unreadable answer; the same fault is quoted once.
func (t *tally) wrong(fault string) {
	t.checked++
	t.quote(fault)
}

func (t *tally) quote(fault string) {
	switch {
	case t.seen[fault]:
	case len(t.quoted) == examples:
		t.unquoted++
	default:
		if t.seen == nil {
			t.seen = map[string]bool{}
		}
		t.seen[fault] = true
		t.quoted = append(t.quoted, fault)
	}
}

func (t *tally) measure(distance float64) {
	t.measured++
	t.sum += distance
	t.worst = max(t.worst, distance)
}

func (t *tally) verdict(rule string) Verdict {
	v := Verdict{Checked: t.checked, Agree: t.agree, Worst: t.worst, Rule: rule, Error: t.off}
	if t.measured > 0 {
		v.Mean = t.sum / float64(t.measured)
	}
	v.Reasons = append(v.Reasons, t.quoted...)
	if t.unquoted > 0 {
		v.Reasons = append(v.Reasons, fmt.Sprintf("and %d more", t.unquoted))
	}
	if t.blind != "" {
		v.Reasons = append(v.Reasons, t.blind)
	}
	return v
}
