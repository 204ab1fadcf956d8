// Package wer tells how many words of a corpus a recogniser got wrong. Both
// texts are brought into Whisper's English normal form, aligned word by word,
// and the errors of all texts are pooled: substitutions, deletions and
// insertions ÷ words that were spoken. A mean over texts would let a short one
// weigh as much as a long one.
package wer

import (
	"fmt"
	"strings"
)

// MaxText is the longest text in bytes, more than an hour of speech: a server
// that repeats itself without end must not hold up the benchmark.
const MaxText = 64 << 10

// Counts are of the words of aligned texts.
type Counts struct {
	Hits, Substitutions, Deletions, Insertions int
}

// Words is how many were spoken.
func (c Counts) Words() int { return c.Hits + c.Substitutions + c.Deletions }

// Errors is how many were heard wrongly, or not at all, or never spoken.
func (c Counts) Errors() int { return c.Substitutions + c.Deletions + c.Insertions }

func (c Counts) add(d Counts) Counts {
	return Counts{c.Hits + d.Hits, c.Substitutions + d.Substitutions, c.Deletions + d.Deletions, c.Insertions + d.Insertions}
}

// Result is what a corpus came to.
type Result struct {
	Counts
	Texts      int
	Empty      int    // texts of which nothing was heard
	Normaliser string // the rules by which texts were compared
}

// Rate is the word error rate in percent, which is over 100 when more was heard
// than spoken; false where no word was spoken.
func (r Result) Rate() (percent float64, ok bool) {
	if r.Words() == 0 {
		return 0, false
	}
	return 100 * float64(r.Errors()) / float64(r.Words()), true
}

// maxEmpty is the share of empty answers that a result may have, in percent: as
// much as may fail.
const maxEmpty = 1

// Reason says in one line why answers with this result cannot be taken for
// transcripts; "" when they can. limit is the highest rate, in percent.
func (r Result) Reason(limit float64) string {
	rate, ok := r.Rate()
	switch {
	case !ok:
		return "no word was compared"
	case 100*r.Empty > maxEmpty*r.Texts:
		return fmt.Sprintf("%d of %d answers have no words", r.Empty, r.Texts)
	case rate > limit:
		return fmt.Sprintf("%.1f %% of %d words are wrong, over %g %%", rate, r.Words(), limit)
	}
	return ""
}

// Corpus pools the errors of texts.
type Corpus struct {
	english *English
	result  Result
}

// NewCorpus is without texts.
func NewCorpus(e *English) *Corpus {
	return &Corpus{english: e, result: Result{Normaliser: Version}}
}

// Add aligns what was heard with what was spoken. A text that cannot be
// compared is an error, and is not in the result.
func (c *Corpus) Add(spoken, heard string) (Counts, error) {
	if n := max(len(spoken), len(heard)); n > MaxText {
		return Counts{}, fmt.Errorf("compare texts: one has %d bytes\nat most %d are compared", n, MaxText)
	}
	want, got := c.english.Words(spoken), c.english.Words(heard)
	if empty(want) {
		return Counts{}, fmt.Errorf("compare texts: %q has no words\ngive what was spoken", strings.TrimSpace(spoken))
	}
	counts := Align(want, got)
	c.result.Counts = c.result.add(counts)
	c.result.Texts++
	if empty(got) {
		c.result.Empty++
	}
	return counts, nil
}

// empty says that nothing is said: the rules leave some marks, such as those of
// "…", for words.
func empty(words []string) bool {
	return !strings.ContainsFunc(strings.Join(words, ""), isWord)
}

// Result is of all texts so far.
func (c *Corpus) Result() Result { return c.result }
