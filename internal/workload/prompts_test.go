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
	for _, salt := range []uint64{1, 2} {
		list, err := Prompts(stackbench.Testdata(), Even(128, 64), salt, 300, false)
		require.NoError(t, err)
		for _, p := range list {
			require.Equal(t, 128, p.Words)
			require.Equal(t, 64, p.Tokens)
			require.Equal(t, 128, tokensOf(p.Text))
			require.False(t, seen[p.Text], "two prompts are alike")
			seen[p.Text] = true
		}
	}
}

func TestCommittedPromptsComeBetweenTheMadeOnes(t *testing.T) {
	list, err := Prompts(stackbench.Testdata(), Even(128, 128), 1, 160, false)
	require.NoError(t, err)
	golden := 0
	for _, p := range list {
		require.Equal(t, 128, tokensOf(p.Text))
		if p.Golden {
			golden++
		}
	}
	require.Equal(t, 20, golden)
	require.Equal(t, "128x128.0", list[2].ID)
	require.Equal(t, "128x128.1", list[10].ID)
}

func TestSharedPromptsBeginAlike(t *testing.T) {
	list, err := Prompts(stackbench.Testdata(), Even(64, 8), 3, 4, true)
	require.NoError(t, err)
	require.Equal(t, list[0].Text[:150], list[1].Text[:150])
	require.NotEqual(t, list[0].Text, list[1].Text)
	apart, err := Prompts(stackbench.Testdata(), Even(64, 8), 3, 2, false)
	require.NoError(t, err)
	require.NotEqual(t, apart[0].Text[:60], apart[1].Text[:60])
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
		_, err := Prompts(stackbench.Testdata(), l, 1, 2, false)
		require.EqualError(t, err, fmt.Sprintf("lengths %q\nuse such as 128x128 for prompt and answer, or chat", string(l)))
	}
	_, err := Prompts(fstest.MapFS{"prompts/words.json": {Data: []byte(`{}`)}}, Chat, 1, 1, false)
	require.EqualError(t, err, "read inputs: testdata/prompts/words.json: a list of words is empty")
}
