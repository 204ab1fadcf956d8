package results

import "encoding/json"

// Reason is a rule that a trial broke, by its name in docs/validity.md, in
// words for the reader.
type Reason struct {
	Rule string `json:"rule,omitempty"` // "" in runs that kept the words alone
	Text string `json:"text"`
}

// UnmarshalJSON also reads the bare text that older runs hold.
func (r *Reason) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		r.Rule = ""
		return json.Unmarshal(b, &r.Text)
	}
	type plain Reason
	return json.Unmarshal(b, (*plain)(r))
}

// Texts are the words of reasons.
func Texts(reasons []Reason) []string {
	var out []string
	for _, r := range reasons {
		out = append(out, r.Text)
	}
	return out
}
