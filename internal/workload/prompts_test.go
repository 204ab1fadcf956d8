package workload

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"stackbench"
)

var update = flag.Bool("update", false, "write testdata/prompts/prompts.json anew; its golden answers must then be made anew, too")

// TestCommittedPrompts holds the committed prompts to what makes them.
func TestCommittedPrompts(t *testing.T) {
	list, err := readJSON[lexicon](stackbench.Testdata(), "prompts/words.json")
	require.NoError(t, err)
	var want []committedPrompt
	for _, made := range []struct {
		lengths Lengths
		n       int
	}{{Even(128, 128), 8}, {Even(512, 128), 4}, {Chat, 8}} {
		for i := range made.n {
			prompt, answer, err := made.lengths.pair(i)
			require.NoError(t, err)
			text := list.text(salted(0x901d, i), prompt)[1:]
			want = append(want, committedPrompt{fmt.Sprintf("%s.%d", made.lengths, i), made.lengths, answer, text})
		}
	}
	const file = "../../testdata/prompts/prompts.json"
	text, err := json.MarshalIndent(want, "", " ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o600))
	}
	have, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(text)+"\n", string(have))
}

func TestPromptsHaveTheirLengthsAndAreNeverRepeated(t *testing.T) {
	seen := map[string]bool{}
	list, err := NewPrompts(stackbench.Testdata(), Even(128, 64), false)
	require.NoError(t, err)
	for _, salt := range []uint64{1, 2} {
		for i := range 500 {
			p := list.Prompt(salt, i)
			require.Equal(t, 128, p.Words)
			require.Equal(t, 64, p.Tokens)
			require.Equal(t, 128, tokensOf(p.Text))
			require.False(t, seen[p.Text], "two prompts are alike")
			seen[p.Text] = true
			p.Text = ""
			require.Equal(t, list.Plain(i), p)
		}
	}
}

func TestCommittedPromptsComeBetweenTheMadeOnes(t *testing.T) {
	list, err := NewPrompts(stackbench.Testdata(), Even(128, 128), false)
	require.NoError(t, err)
	golden := 0
	for i := range 160 {
		p := list.Prompt(1, i)
		require.Equal(t, 128, tokensOf(p.Text))
		if p.Golden {
			golden++
		}
	}
	require.Equal(t, 18, golden)
	require.Equal(t, "128x128.0", list.Prompt(1, 2).ID)
	require.Equal(t, "128x128.1", list.Prompt(1, 10).ID)
	require.Equal(t, "128x128.0", list.Prompt(1, Span+2).ID, "every window has them")
}

func TestSharedPromptsBeginAlike(t *testing.T) {
	list, err := NewPrompts(stackbench.Testdata(), Even(64, 8), true)
	require.NoError(t, err)
	require.Equal(t, list.Prompt(3, 0).Text[:150], list.Prompt(3, 1).Text[:150])
	require.NotEqual(t, list.Prompt(3, 0).Text, list.Prompt(3, 1).Text)
	apart, err := NewPrompts(stackbench.Testdata(), Even(64, 8), false)
	require.NoError(t, err)
	require.NotEqual(t, apart.Prompt(3, 0).Text[:60], apart.Prompt(3, 1).Text[:60])
}

func TestChatIsAMixThatNeverChanges(t *testing.T) {
	var prompts, answers []int
	for i := range 2000 {
		p, a, err := Chat.pair(i)
		require.NoError(t, err)
		prompts, answers = append(prompts, p), append(answers, a)
	}
	slices.Sort(prompts)
	slices.Sort(answers)
	require.Equal(t, []int{16, 95, 512}, []int{prompts[0], prompts[1000], prompts[1999]})
	require.Equal(t, []int{8, 47, 128}, []int{answers[0], answers[1000], answers[1999]})
}

func TestBadLengths(t *testing.T) {
	for _, l := range []Lengths{"", "128", "128x", "x128", "0x8", "8x-1", "long"} {
		_, err := NewPrompts(stackbench.Testdata(), l, false)
		require.EqualError(t, err, fmt.Sprintf("lengths %q\nuse such as 128x128 for prompt and answer, or chat", string(l)))
	}
	_, err := NewPrompts(fstest.MapFS{"prompts/words.json": {Data: []byte(`{}`)}}, Chat, false)
	require.EqualError(t, err, "read inputs: testdata/prompts/words.json: a list of words is empty")
}
