package quality

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// NearTie is how close two choices of a token may be, in logits, for a server to
// be free to take either: kernels add in other orders, and the spread of the
// logits is about 3. From there on two right answers go their own ways.
const NearTie = 0.02

// NearTie16 is NearTie where a server computes in 16-bit floats: of bfloat16,
// logits around 10 are 0.06 apart.
const NearTie16 = 0.3

// GoldenText is the greedy answer to a prompt.
type GoldenText struct {
	Text    string    `json:"text"`
	Tokens  []int64   `json:"tokens,omitempty"`
	Ends    []int     `json:"ends,omitempty"`    // byte of the text at which each token ends
	Margins []float64 `json:"margins,omitempty"` // how far each token's logit was ahead of the next best
}

// GoldenTexts holds the greedy answers of a model to the committed prompts.
// Where another stack's stand in for PyTorch's, they have no margins.
type GoldenTexts struct {
	Model   string                `json:"model"`
	Source  string                `json:"weights_source"`
	SHA256  string                `json:"weights_sha256"`
	Maker   string                `json:"maker"`
	Answers map[string]GoldenText `json:"answers"`
}

// ReadTexts reads the golden texts of a model: golden/<model>.json in testdata.
func ReadTexts(testdata fs.FS, model string) (*GoldenTexts, error) {
	const cure = "make them with testdata/golden/generate/texts.py"
	name := "golden/" + model + ".json"
	file, err := fs.ReadFile(testdata, name)
	if err != nil {
		return nil, fmt.Errorf("no golden texts of %s: %w\n%s", model, err, cure)
	}
	g, err := ParseTexts(file)
	if err == nil && g.Model != model {
		err = fmt.Errorf("it is of %q", g.Model)
	}
	if err != nil {
		return nil, fmt.Errorf("testdata/%s: %w\n%s", name, err, cure)
	}
	return g, nil
}

// ParseTexts reads golden texts and checks that each is whole.
func ParseTexts(file []byte) (*GoldenTexts, error) {
	var g GoldenTexts
	if err := json.Unmarshal(file, &g); err != nil {
		return nil, fmt.Errorf("no golden texts: %w", err)
	}
	if len(g.Answers) == 0 || g.SHA256 == "" {
		return nil, errors.New("no golden texts: no answers, or not of which weights")
	}
	for id, a := range g.Answers {
		if err := a.check(); err != nil {
			return nil, fmt.Errorf("answer %q: %w", id, err)
		}
	}
	return &g, nil
}

func (a GoldenText) check() error {
	if a.Text == "" {
		return errors.New("no text")
	}
	if len(a.Ends) != len(a.Tokens) || len(a.Margins) != len(a.Tokens) {
		return fmt.Errorf("%d tokens with %d ends and %d margins", len(a.Tokens), len(a.Ends), len(a.Margins))
	}
	last := 0
	for _, end := range a.Ends {
		if end < last || end > len(a.Text) {
			return fmt.Errorf("a token ends at byte %d of %d, after one that ends at %d", end, len(a.Text), last)
		}
		last = end
	}
	return nil
}

// Match is Golden.Match for texts.
func (g *GoldenTexts) Match(sha256 string) error {
	if strings.EqualFold(g.SHA256, sha256) {
		return nil
	}
	return otherWeights("the golden texts of %s are of weights %.12s (%s), not of the served %.12s\nmake golden texts of these weights with testdata/golden/generate/texts.py", g.Model, g.SHA256, g.Source, sha256)
}

// Generated is an answer as a server gave it, and what it was asked for.
type Generated struct {
	Text   string
	Tokens int    // as the server counts them; 0 when it does not
	Finish string // why it ended, in the server's words; "" when it does not say
	Asked  int    // tokens
	Exact  bool   // exactly so many
}

// fault says what is wrong with it whatever the right text is; "" when nothing is.
func (g Generated) fault() string {
	switch {
	case g.Text == "":
		return "no text"
	case g.Exact && g.Tokens != 0 && g.Tokens != g.Asked:
		return fmt.Sprintf("%d tokens, exactly %d were asked for", g.Tokens, g.Asked)
	case g.Tokens > g.Asked:
		return fmt.Sprintf("%d tokens, at most %d were asked for", g.Tokens, g.Asked)
	case g.Exact && g.Finish != "" && g.Finish != "length":
		return fmt.Sprintf("it ended by %q, not by length", g.Finish)
	}
	return ""
}

// Texts checks generated text.
type Texts struct {
	golden *GoldenTexts // nil when nothing is known of the right answers
	near   float64      // what is a near-tie
	why    string       // nothing is known
	tally  tally
	plain  int // answers of which only the count and the end could be checked
	tied   int // answers that left the golden one at a near-tie
}

// NewTexts checks against golden texts; a token that was ahead by less than near
// is a near-tie.
func NewTexts(g *GoldenTexts, near float64) *Texts { return &Texts{golden: g, near: near} }

// Unknown checks what can be checked where no right answer is known: why says
// so. Its verdict is never OK.
func Unknown(why string) *Texts { return &Texts{why: why} }

// Add checks an answer to the golden prompt id, or with golden false to a prompt
// of which no answer is known.
func (t *Texts) Add(id string, golden bool, a Generated) {
	if fault := a.fault(); fault != "" {
		t.Broken(id, fault)
		return
	}
	if !golden || t.golden == nil {
		t.plain++
		return
	}
	want, ok := t.golden.Answers[id]
	if !ok {
		t.Broken(id, "no golden text")
		return
	}
	same, tie := want.agree(a, t.near)
	switch {
	case same >= 1:
		t.tally.right(0)
	case tie:
		t.tied++
		t.tally.right(1 - same)
	default:
		t.tally.measure(1 - same)
		t.Broken(id, fmt.Sprintf("the text leaves the golden one after %.0f %%, where it was sure: %q", 100*same, cut(a.Text, want.Text)))
	}
}

// Blind says that nothing is known of the right answers.
func (t *Texts) Blind() bool { return t.golden == nil }

// Fault is what was seen to be wrong, whatever the right answers are.
func (t *Texts) Fault() error {
	if len(t.tally.quoted) == 0 {
		return nil
	}
	return errors.New("the answer is wrong: " + strings.Join(t.tally.quoted, "; "))
}

// Broken counts an answer that could not be read, or is wrong.
func (t *Texts) Broken(id, why string) { t.tally.wrong(id + ": " + why) }

// Verdict is on all answers added so far. Its distance is the part of a golden
// answer that comes after a near-tie.
func (t *Texts) Verdict() Verdict {
	if t.golden == nil {
		v := t.tally.verdict("tokens and ends only")
		v.Reasons = append(v.Reasons, t.why)
		return v
	}
	rule := fmt.Sprintf("greedy text of %s up to the first choice closer than %g", t.golden.Maker, t.near)
	if !t.golden.sure() {
		rule = fmt.Sprintf("the first word of the greedy text of %s", t.golden.Maker)
	}
	if t.tied > 0 {
		rule += fmt.Sprintf(", %d left there", t.tied)
	}
	v := t.tally.verdict(rule)
	if t.plain > 0 {
		v.Rule += fmt.Sprintf("; of %d more, tokens and ends", t.plain)
	}
	return v
}

// sure says whether the golden texts know how sure they are.
func (g *GoldenTexts) sure() bool {
	for _, a := range g.Answers {
		return len(a.Margins) > 0
	}
	return false
}

// agree is the part of the golden answer that an answer begins with, as far as
// both were asked for, and whether it left it at a near-tie.
func (a GoldenText) agree(got Generated, near float64) (same float64, tie bool) {
	want := a.Text
	if n := got.Asked; n > 0 && n < len(a.Ends) {
		want = want[:a.Ends[n-1]]
	}
	// A character that is not whole is spelt in more ways than one, and at the end
	// some servers leave it out.
	if i := strings.IndexRune(want, '\uFFFD'); i >= 0 {
		want = want[:i]
	}
	want = strings.TrimRight(want, " ")
	at := common(want, got.Text)
	if at == len(want) || at == len(got.Text) && !got.Exact {
		return 1, false
	}
	same = float64(at) / float64(len(want))
	if len(a.Margins) == 0 { // nobody knows how sure it was: that its first word is the same must do
		return same, at >= firstWord(want)
	}
	for i, end := range a.Ends {
		if end < at {
			continue
		}
		// The token that ends where the texts part may be the prefix of another.
		if a.Margins[i] < near {
			return same, true
		}
		if end > at {
			break
		}
	}
	return same, false
}

// firstWord is where a text's first word ends.
func firstWord(text string) int {
	start := len(text) - len(strings.TrimLeft(text, " \n"))
	if end := strings.IndexAny(text[start:], " \n"); end >= 0 {
		return start + end
	}
	return len(text)
}

// common is how many bytes two texts begin with alike.
func common(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// cut quotes an answer around the place where it leaves the right one.
func cut(got, want string) string {
	at := common(got, want)
	return got[max(0, at-12):min(len(got), at+12)]
}
