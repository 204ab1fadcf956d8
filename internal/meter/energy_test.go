package meter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The energy of an item is that of an answer shared by the images or texts in
// it, and by the tokens where the answer is generated text.
func TestEnergyOfAnAnswerAndOfAnItem(t *testing.T) {
	use := Evidence{GPU: &GPUUse{Joules: 500}}
	w := closed(2, 10*ms, 5*sec) // 1,000 answers
	w.Items = func(int) int { return 8 }
	s := Summarise([]Window{w}, use)
	require.InDelta(t, 0.5, value(t, s, "J/answer"), 1e-9)
	require.InDelta(t, 0.0625, value(t, s, "J/item"), 1e-9)

	texts := talk(200, 0)
	tokens := 0
	for _, r := range texts.Records {
		tokens += r.Output.Tokens
	}
	s = Summarise([]Window{texts}, use)
	require.InDelta(t, 500.0/200, value(t, s, "J/answer"), 1e-9)
	require.InDelta(t, 500/float64(tokens), value(t, s, "J/item"), 1e-9)

	texts.Records[3].Output.Tokens = 0
	s = Summarise([]Window{texts}, use)
	require.Equal(t, "the server did not count the tokens of every answer", reason(s, "J/item"))

	require.Equal(t, "no good answer", reason(Summarise([]Window{{Length: sec}}, use), "J/item"))
}
