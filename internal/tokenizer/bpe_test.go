package tokenizer_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"stackbench/internal/tokenizer"
)

// bpeCases are texts with the ids that the Rust library gives them, and ids of
// gpt2.json with its text.
type bpeCases struct {
	Encoded []struct {
		Text    string  `json:"text"`
		GPT2    []int64 `json:"gpt2"`
		OPT     []int64 `json:"opt"`
		SmolLM2 []int64 `json:"smollm2"`
	} `json:"encoded"`
	Decoded []struct {
		IDs  []int64 `json:"ids"`
		Text string  `json:"text"`
	} `json:"decoded"`
}

func readBPECases(t testing.TB) bpeCases {
	data, err := os.ReadFile("testdata/bpe_cases.json")
	require.NoError(t, err)
	var all bpeCases
	require.NoError(t, json.Unmarshal(data, &all))
	require.Greater(t, len(all.Encoded), 350)
	require.Greater(t, len(all.Decoded), 500)
	return all
}

func TestBPEAgreesWithReference(t *testing.T) {
	gpt2, opt, smol := open(t, "gpt2.json", tokenizer.Unlimited), open(t, "opt.json", tokenizer.Unlimited), open(t, "smollm2.json", tokenizer.Unlimited)
	for _, c := range readBPECases(t).Encoded {
		check := func(tok *tokenizer.Tokenizer, want []int64) {
			got, err := tok.Encode(c.Text)
			require.NoError(t, err)
			require.Equal(t, want, got, "%q", c.Text)
		}
		check(gpt2, c.GPT2)
		check(opt, c.OPT)
		check(smol, c.SmolLM2)
	}
}

func TestDecodeAgreesWithReference(t *testing.T) {
	tok := open(t, "gpt2.json", tokenizer.Unlimited)
	for _, c := range readBPECases(t).Decoded {
		got, err := tok.Decode(c.IDs)
		require.NoError(t, err)
		require.Equal(t, c.Text, got, "%v", c.IDs)
	}
}

// Each byte of a character is a token here; its text comes with the last one.
func TestDecoderHoldsHalfACharacterBack(t *testing.T) {
	tok := open(t, "gpt2.json", tokenizer.Unlimited)
	ids, err := tok.Encode("a😀")
	require.NoError(t, err)
	d, err := tok.Decoder()
	require.NoError(t, err)
	var parts []string
	for _, id := range ids {
		parts = append(parts, d.Add(id))
	}
	require.Equal(t, []string{"a", "", "", "", "😀"}, parts)
	require.Empty(t, d.Rest())

	d, err = tok.Decoder()
	require.NoError(t, err)
	for _, id := range ids[1:3] {
		require.Empty(t, d.Add(id))
	}
	require.Equal(t, "\uFFFD", d.Rest())
	require.Empty(t, d.Rest(), "it was given")
	require.Empty(t, d.Add(1<<40), "no token's id")
}

func TestSpecialTokensHaveNoText(t *testing.T) {
	tok := open(t, "opt.json", tokenizer.Unlimited)
	ids, err := tok.Encode("Once <pad>upon")
	require.NoError(t, err)
	require.EqualValues(t, 2, ids[0])
	require.Contains(t, ids, tok.PadID())
	text, err := tok.Decode(ids)
	require.NoError(t, err)
	require.Equal(t, "Once upon", text)
}

func TestWordPieceIsNotDecoded(t *testing.T) {
	_, err := open(t, "bert.json", 16).Decode([]int64{1})
	require.ErrorContains(t, err, "only BPE models")
}

func TestParseRefusesBPE(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"gpt2.json", "smollm2.json", "opt.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		files[name] = string(data)
	}
	for name, c := range map[string]struct{ file, old, with, want string }{
		"normalizer":      {"gpt2.json", `"normalizer":null`, `"normalizer":{"type":"NFC"}`, `normalizer "NFC"`},
		"pre-tokenizer":   {"gpt2.json", `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}`, `{"type":"Whitespace"}`, `pre-tokenizer "Whitespace"`},
		"no regex":        {"gpt2.json", `"use_regex":true`, `"use_regex":false`, "without use_regex"},
		"prefix":          {"gpt2.json", `"add_prefix_space":false`, `"add_prefix_space":true`, "add_prefix_space"},
		"digits together": {"smollm2.json", `"individual_digits":true`, `"individual_digits":false`, `pre-tokenizer "Sequence"`},
		"suffix":          {"gpt2.json", `"end_of_word_suffix":null`, `"end_of_word_suffix":"</w>"`, "not byte-level"},
		"byte fallback":   {"gpt2.json", `"byte_fallback":false`, `"byte_fallback":true`, "byte_fallback"},
		"dropout":         {"gpt2.json", `"dropout":null`, `"dropout":0.1`, "at random"},
		"unknown":         {"gpt2.json", `"unk_token":null`, `"unk_token":"[X]"`, "is not in the vocabulary"},
		"post":            {"gpt2.json", `"post_processor":{"type":"ByteLevel"`, `"post_processor":{"type":"Sequence"`, "post-processor"},
		"foreign merge":   {"gpt2.json", `["Ġ","t"]`, `["Ġ","日"]`, "merge 0"},
		"merge of three":  {"gpt2.json", `["Ġ","t"]`, `["Ġ","t","h"]`, "a merge of 3 tokens"},
		"merge of a line": {"opt.json", `"Ġ t"`, `"Ġ t h"`, "two tokens with a blank"},
		"same id":         {"gpt2.json", `"\"":1,`, `"\"":0,`, "the same id 0"},
	} {
		require.Contains(t, files[c.file], c.old, name)
		_, err := tokenizer.Parse([]byte(strings.Replace(files[c.file], c.old, c.with, 1)), 256)
		require.ErrorContains(t, err, c.want, name)
	}
}

// A byte that the vocabulary lacks is the unknown token, where there is one.
func TestUnknownBytes(t *testing.T) {
	file := func(options string) []byte {
		return []byte(`{"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"model":{"type":"BPE",` + options + `,"vocab":{"u":0,"a":1,"b":2,"ab":3},"merges":["a b"]}}`)
	}
	check := func(options string, want ...int64) {
		tok, err := tokenizer.Parse(file(options), 256)
		require.NoError(t, err)
		ids, err := tok.Encode("axyb")
		require.NoError(t, err)
		require.Equal(t, want, ids, options)
	}
	check(`"unk_token":null`, 3)
	check(`"unk_token":"u"`, 1, 0, 0, 2)
	check(`"unk_token":"u","fuse_unk":true`, 1, 0, 2)
}

// Every piece of a text without added tokens is in its ids, byte for byte.
func FuzzBPE(f *testing.F) {
	for _, c := range readBPECases(f).Encoded[:80] {
		f.Add(c.Text)
	}
	f.Add("\xff\xfe broken \xc3(")
	tok := open(f, "gpt2.json", tokenizer.Unlimited)
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "<|endoftext|>", "")
		if strings.Contains(text, "<|endoftext|>") {
			t.Skip() // one was inside another
		}
		ids, err := tok.Encode(text)
		require.NoError(t, err)
		got, err := tok.Decode(ids)
		require.NoError(t, err)
		require.True(t, utf8.ValidString(got))
		if utf8.ValidString(text) {
			require.Equal(t, text, got)
		}
	})
}

func FuzzParseBPE(f *testing.F) {
	for _, options := range []string{`"unk_token":null`, `"unk_token":"u","fuse_unk":true`} {
		f.Add([]byte(`{"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"model":{"type":"BPE",` + options + `,"vocab":{"u":0,"a":1,"b":2,"ab":3},"merges":["a b"]}}`))
	}
	f.Add([]byte(`{"added_tokens":[{"id":4,"content":"<s>","special":true}],"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"ByteLevel"}]},` +
		`"post_processor":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"Ġ":0,"1":1,"b":2,"Ġb":3},"merges":[["Ġ","b"]]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tok, err := tokenizer.Parse(data, 64)
		if err != nil {
			return
		}
		ids, err := tok.Encode("abab 12 <s> bü")
		require.NoError(t, err)
		require.LessOrEqual(t, len(ids), 64)
		if text, err := tok.Decode(ids); err == nil {
			require.True(t, utf8.ValidString(text))
		}
	})
}

func BenchmarkEncodeBPE(b *testing.B) {
	tok := open(b, "gpt2.json", tokenizer.Unlimited)
	text := strings.Repeat("The quick brown fox, it seems, jumps over some very lazy dogs. ", 4)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tok.Encode(text); err != nil {
			b.Fatal(err)
		}
	}
}
