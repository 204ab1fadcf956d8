package tokenizer_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/tokenizer"
)

// testCase is a text with the ids that the Rust library gives it.
type testCase struct {
	Text  string  `json:"text"`
	Bert  []int64 `json:"bert"`
	MPNet []int64 `json:"mpnet"`
	Short []int64 `json:"short"` // under bert.json, truncated to 16
}

func cases(t testing.TB) []testCase {
	data, err := os.ReadFile("testdata/cases.json")
	require.NoError(t, err)
	var all []testCase
	require.NoError(t, json.Unmarshal(data, &all))
	require.Greater(t, len(all), 250)
	return all
}

func open(t testing.TB, name string, limit int) *tokenizer.Tokenizer {
	tok, err := tokenizer.Open(filepath.Join("testdata", name), limit)
	require.NoError(t, err)
	return tok
}

func TestEncodeAgreesWithReference(t *testing.T) {
	bert, mpnet, short := open(t, "bert.json", 1<<20), open(t, "mpnet.json", 1<<20), open(t, "bert.json", 16)
	for _, c := range cases(t) {
		check := func(tok *tokenizer.Tokenizer, want []int64) {
			got, err := tok.Encode(c.Text)
			require.NoError(t, err)
			require.Equal(t, want, got, "%q", c.Text)
		}
		check(bert, c.Bert)
		check(mpnet, c.MPNet)
		check(short, c.Short)
	}
}

func TestPadID(t *testing.T) {
	require.EqualValues(t, 0, open(t, "bert.json", 16).PadID())
	require.EqualValues(t, 1, open(t, "mpnet.json", 16).PadID(), "no padding in the file: the vocabulary says")
}

func TestEncodeConcurrently(t *testing.T) {
	tok, all := open(t, "bert.json", 1<<20), cases(t)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range all {
				c := all[(i+w*31)%len(all)]
				got, err := tok.Encode(c.Text)
				if err != nil || len(got) != len(c.Bert) {
					t.Errorf("%q: %d ids, want %d (%v)", c.Text, len(got), len(c.Bert), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestParseRefuses(t *testing.T) {
	data, err := os.ReadFile("testdata/bert.json")
	require.NoError(t, err)
	swap := func(old, with string) string {
		require.Contains(t, string(data), old)
		return strings.Replace(string(data), old, with, 1)
	}
	for name, c := range map[string]struct {
		file, want string
		limit      int
	}{
		"half a file":     {string(data[:len(data)/2]), "read tokenizer.json", 256},
		"another model":   {swap(`"type":"WordPiece","unk`, `"type":"Unigram","unk`), "is neither WordPiece nor BPE", 256},
		"another cleaner": {swap(`"BertNormalizer"`, `"NFC"`), "is not BertNormalizer", 256},
		"another cutter":  {swap(`"BertPreTokenizer"`, `"Whitespace"`), "is not BertPreTokenizer", 256},
		"no unknown":      {swap(`"unk_token":"[UNK]"`, `"unk_token":"[X]"`), "is not in the vocabulary", 256},
		"no post":         {swap(`"TemplateProcessing"`, `"ByteLevel"`), "post-processor", 256},
		"bad template":    {swap(`"SpecialToken":{"id":"[CLS]"`, `"SpecialToken":{"id":"[X]"`), "known special token", 256},
		"two texts":       {swap(`{"SpecialToken":{"id":"[CLS]","type_id":0}}`, `{"Sequence":{"id":"A","type_id":0}}`), "has 2 texts", 256},
		"single word":     {swap(`"single_word":false`, `"single_word":true`), "single_word", 256},
		"negative id":     {swap(`"[PAD]":0`, `"[PAD]":-7`), "has id -7", 256},
		"no room":         {string(data), "leave no room", 2},
	} {
		_, err := tokenizer.Parse([]byte(c.file), c.limit)
		require.ErrorContains(t, err, c.want, name)
	}
	_, err = tokenizer.Open(filepath.Join(t.TempDir(), "none.json"), 256)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func FuzzEncode(f *testing.F) {
	for _, c := range cases(f)[:60] {
		f.Add(c.Text)
	}
	f.Add("\xff\xfe broken \xc3(")
	tok := open(f, "bert.json", 32)
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := tok.Encode(text)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(ids), 2)
		require.LessOrEqual(t, len(ids), 32)
		first, err := tok.Encode("")
		require.NoError(t, err)
		require.Equal(t, first, []int64{ids[0], ids[len(ids)-1]})
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"bert.json", "mpnet.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte(`{"model":{"type":"WordPiece","unk_token":"u","vocab":{"u":0},"max_input_chars_per_word":100},"normalizer":{"type":"BertNormalizer"},` +
		`"pre_tokenizer":{"type":"BertPreTokenizer"},"post_processor":{"type":"BertProcessing","sep":["s",1],"cls":["c",2]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := tokenizer.Parse(data, 64)
		if err != nil {
			return
		}
		ids, err := tok.Encode("Hello [MASK], wörld!")
		require.NoError(t, err)
		require.LessOrEqual(t, len(ids), 64)
	})
}

func BenchmarkEncode(b *testing.B) {
	tok := open(b, "bert.json", 256)
	text := strings.Repeat("The quick brown fox, it seems, jumps over some very lazy dogs. ", 4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tok.Encode(text); err != nil {
			b.Fatal(err)
		}
	}
}
