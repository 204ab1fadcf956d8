package wer

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type ratesTable struct {
	Jiwer   string
	Corpora []struct {
		Pairs  [][2]string
		Counts [][4]int
		Pooled [4]int
		Rate   float64
	}
}

func counts(of [4]int) Counts { return Counts{of[0], of[1], of[2], of[3]} }

func TestRatesAreJiwers(t *testing.T) {
	table := readTable[ratesTable](t, "rates.json")
	require.Equal(t, "4.0.0", table.Jiwer)
	require.Len(t, table.Corpora, 60)
	e := NewEnglish()
	for i, row := range table.Corpora {
		c := NewCorpus(e)
		for k, pair := range row.Pairs {
			got, err := c.Add(pair[0], pair[1])
			require.NoError(t, err)
			require.Equal(t, counts(row.Counts[k]), got, "corpus %d: %q", i, pair)
		}
		r := c.Result()
		require.Equal(t, counts(row.Pooled), r.Counts)
		require.Equal(t, len(row.Pairs), r.Texts)
		rate, ok := r.Rate()
		require.True(t, ok)
		require.InDelta(t, 100*row.Rate, rate, 1e-9)
	}
}

const dashwood = "Had he married a more amiable woman, he might have been made still more respectable than he was." // 18 words

func TestRatesByHand(t *testing.T) {
	for name, c := range map[string]struct {
		spoken, heard string
		want          Counts
	}{
		"the same":          {dashwood, dashwood, Counts{Hits: 18}},
		"written otherwise": {"Mr. Gray paid twenty-one dollars", "mister grey paid $21", Counts{Hits: 4}},
		"one word wrong":    {"the old man sat", "the old dog sat", Counts{3, 1, 0, 0}},
		"one word left out": {"the old man sat", "the man sat", Counts{3, 0, 1, 0}},
		"one word more":     {"the old man sat", "the very old man sat", Counts{4, 0, 0, 1}},
		"one of each":       {"the old man sat down", "a old man just sat", Counts{3, 1, 1, 1}},
		"nothing":           {dashwood, "", Counts{Deletions: 18}},
		"only noise":        {dashwood, "[BLANK_AUDIO] (uh)", Counts{Deletions: 18}},
		"cut short":         {dashwood, "Had he married a more amiable woman, he might", Counts{9, 0, 9, 0}},
		"said twice":        {"the old man sat", "the old man sat the old man sat", Counts{4, 0, 0, 4}},
	} {
		got, err := NewCorpus(NewEnglish()).Add(c.spoken, c.heard)
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
		require.Equal(t, c.want.Words()-c.want.Deletions+c.want.Insertions, len(NewEnglish().Words(c.heard)), name)
	}
}

func TestErrorsArePooledNotAveraged(t *testing.T) {
	c := NewCorpus(NewEnglish())
	for _, pair := range [][2]string{{"yes", "no"}, {"the old man sat on the wet stone", "the old man sat on the wet stone"}} {
		_, err := c.Add(pair[0], pair[1])
		require.NoError(t, err)
	}
	rate, ok := c.Result().Rate()
	require.True(t, ok)
	require.InDelta(t, 100.0/9, rate, 1e-9, "one of nine words, not half of two texts")
	require.Equal(t, "whisper-normalizer-0.1.15-english", c.Result().Normaliser)
}

func TestTextsThatCannotBeCompared(t *testing.T) {
	c := NewCorpus(NewEnglish())
	for want, pair := range map[string][2]string{
		"compare texts: \"[noise]\" has no words\ngive what was spoken":  {"[noise]", "yes"},
		"compare texts: one has 65537 bytes\nat most 65536 are compared": {"yes", strings.Repeat("a", MaxText+1)},
		"compare texts: one has 65538 bytes\nat most 65536 are compared": {strings.Repeat("a", MaxText+2), "yes"},
	} {
		_, err := c.Add(pair[0], pair[1])
		require.EqualError(t, err, want)
	}
	_, ok := c.Result().Rate()
	require.False(t, ok)
	require.Equal(t, "no word was compared", c.Result().Reason(100))
}

func TestBadAnswersFail(t *testing.T) {
	words := NewEnglish().Words(dashwood)
	shuffled := append([]string(nil), words...)
	rand.New(rand.NewPCG(14, 0)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for name, c := range map[string]struct {
		heard []string // in turn
		want  string
	}{
		"right":                  {[]string{dashwood}, ""},
		"all empty":              {[]string{""}, "10 of 10 answers have no words"},
		"all marks":              {[]string{"…"}, "10 of 10 answers have no words"},
		"one empty":              {[]string{"", dashwood, dashwood, dashwood, dashwood}, "2 of 10 answers have no words"},
		"shuffled":               {[]string{strings.Join(shuffled, " ")}, "77.8 % of 180 words are wrong, over 10 %"},
		"cut short by a quarter": {[]string{strings.Join(words[:14], " ")}, "22.2 % of 180 words are wrong, over 10 %"},
		"another's text":         {[]string{"he was not an ill disposed young man"}, "94.4 % of 180 words are wrong, over 10 %"},
		"said twice":             {[]string{dashwood + " " + dashwood}, "100.0 % of 180 words are wrong, over 10 %"},
	} {
		corpus := NewCorpus(NewEnglish())
		for i := range 10 {
			_, err := corpus.Add(dashwood, c.heard[i%len(c.heard)])
			require.NoError(t, err)
		}
		require.Equal(t, c.want, corpus.Result().Reason(10), name)
	}
}
