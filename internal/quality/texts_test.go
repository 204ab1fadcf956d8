package quality

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"stackbench"
)

// " the old man sat" in five tokens; the second was nearly another.
func goldenTexts(margins ...float64) *GoldenTexts {
	return &GoldenTexts{Maker: "torch", SHA256: "1", Answers: map[string]GoldenText{
		"p": {Text: " the old man sat", Tokens: []int64{1, 2, 3, 4}, Ends: []int{4, 8, 12, 16}, Margins: margins},
	}}
}

func TestTexts(t *testing.T) {
	sure, shaky := []float64{1, 1, 1, 1}, []float64{1, 0.01, 1, 1}
	answer := func(text string, tokens, asked int) Generated {
		return Generated{Text: text, Tokens: tokens, Finish: "length", Asked: asked, Exact: true}
	}
	for name, c := range map[string]struct {
		margins []float64
		answer  Generated
		want    string // of the verdict's reason; "" when it is right
		worst   float64
	}{
		"the same":                       {sure, answer(" the old man sat", 4, 4), "", 0},
		"shorter than the golden one":    {sure, answer(" the old", 2, 2), "", 0},
		"another word":                   {sure, answer(" the old dog sat", 4, 4), `p: the text leaves the golden one after 56 %, where it was sure: " the old dog sat"`, 0},
		"another word at a near-tie":     {shaky, answer(" the new man sat", 4, 4), "", 1 - 5.0/16},
		"after the near-tie it is sure":  {shaky, answer(" the old dog sat", 4, 4), `p: the text leaves the golden one after 56 %, where it was sure: " the old dog sat"`, 0},
		"the tie's other word is longer": {shaky, answer(" the older man", 4, 4), "", 0.5},
		"too few tokens":                 {sure, answer(" the old", 2, 4), "p: 2 tokens, exactly 4 were asked for", 0},
		"too many tokens":                {sure, Generated{Text: " the old man sat", Tokens: 5, Asked: 4}, "p: 5 tokens, at most 4 were asked for", 0},
		"ended early":                    {sure, Generated{Text: " the old man sat", Tokens: 4, Asked: 4, Exact: true, Finish: "stop"}, `p: it ended by "stop", not by length`, 0},
		"allowed to end early":           {sure, Generated{Text: " the old", Tokens: 2, Asked: 4, Finish: "stop"}, "", 0},
		"nothing":                        {sure, Generated{Asked: 4}, "p: no text", 0},
		"no margins, begins alike":       {nil, answer(" the new", 4, 4), "", 1 - 5.0/16},
		"no margins, a space is no word": {nil, answer(" a man", 4, 4), `p: the text leaves the golden one after 6 %, where it was sure: " a man"`, 0},
		"no margins, another text":       {nil, answer("so", 4, 4), `p: the text leaves the golden one after 0 %, where it was sure: "so"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			texts := NewTexts(goldenTexts(c.margins...), NearTie)
			texts.Add("p", true, c.answer)
			v := texts.Verdict()
			if c.want == "" {
				require.True(t, v.OK(), v.Reason())
				require.InDelta(t, c.worst, v.Worst, 1e-9)
				return
			}
			require.Equal(t, []string{c.want}, v.Reasons)
		})
	}
}

func TestMoreIsANearTieInSixteenBits(t *testing.T) {
	for near, right := range map[float64]bool{NearTie: false, NearTie16: true} {
		texts := NewTexts(goldenTexts(1, 0.2, 1, 1), near)
		texts.Add("p", true, Generated{Text: " the new man sat", Tokens: 4, Asked: 4})
		require.Equal(t, right, texts.Verdict().OK())
	}
}

func TestTextsWithoutAGoldenOne(t *testing.T) {
	texts := NewTexts(goldenTexts(1, 1, 1, 1), NearTie)
	texts.Add("made 3", false, Generated{Text: "x", Tokens: 1, Asked: 1, Exact: true})
	v := texts.Verdict()
	require.False(t, v.OK(), "an answer of which only the count is known proves nothing")
	require.Contains(t, v.Rule, "; of 1 more, tokens and ends")

	unknown := Unknown("nobody knows")
	unknown.Add("p", true, Generated{Text: "x", Tokens: 1, Asked: 1})
	require.Equal(t, []string{"nobody knows"}, unknown.Verdict().Reasons)
}

func TestCommittedGoldenTexts(t *testing.T) {
	for _, model := range []string{"gpt2", "opt-125m", "smollm2-135m-q4_1-dequant"} {
		g, err := ReadTexts(stackbench.Testdata(), model)
		require.NoError(t, err)
		require.True(t, g.sure())
		compared, all := 0, 0
		for id, a := range g.Answers {
			all += len(a.Tokens)
			for _, m := range a.Margins {
				if m < NearTie {
					break
				}
				compared++
			}
			texts := NewTexts(g, NearTie)
			texts.Add(id, true, Generated{Text: a.Text, Tokens: len(a.Tokens), Asked: len(a.Tokens), Exact: true, Finish: "length"})
			require.True(t, texts.Verdict().OK())
		}
		require.Greater(t, compared, all/2, "%s: near-ties leave too little to compare", model)
	}
}

func TestDamagedGoldenTexts(t *testing.T) {
	for file, want := range map[string]string{
		`{`:  "no golden texts: unexpected end of JSON input",
		`{}`: "no golden texts: no answers, or not of which weights",
		`{"weights_sha256":"1","answers":{"p":{"text":"ab","tokens":[1],"ends":[3],"margins":[1]}}}`: `answer "p": a token ends at byte 3 of 2, after one that ends at 0`,
		`{"weights_sha256":"1","answers":{"p":{"text":"ab","tokens":[1]}}}`:                          `answer "p": 1 tokens with 0 ends and 0 margins`,
		`{"weights_sha256":"1","answers":{"p":{"text":"ab","tokens":[],"ends":[],"margins":[]}}}`:    `it is of ""`,
	} {
		_, err := ReadTexts(fstest.MapFS{"golden/gpt2.json": {Data: []byte(file)}}, "gpt2")
		require.EqualError(t, err, "testdata/golden/gpt2.json: "+want+"\nmake them with testdata/golden/generate/texts.py")
	}
}
