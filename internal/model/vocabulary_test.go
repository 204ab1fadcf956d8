package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/tokenizer"
)

func TestMPNetTokenizerIsTheRealOne(t *testing.T) {
	bert, err := os.ReadFile("../tokenizer/testdata/bert.json")
	require.NoError(t, err)
	made, err := mpnetTokenizer(bert)
	require.NoError(t, err)
	tok, err := tokenizer.Parse(made, 1<<20)
	require.NoError(t, err)
	require.EqualValues(t, 1, tok.PadID())
	var cases []struct {
		Text  string  `json:"text"`
		MPNet []int64 `json:"mpnet"`
	}
	data, err := os.ReadFile("../tokenizer/testdata/cases.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &cases))
	for _, c := range cases {
		ids, err := tok.Encode(c.Text)
		require.NoError(t, err)
		require.Equal(t, c.MPNet, ids, "%q", c.Text)
	}
	_, err = mpnetTokenizer([]byte(`{"model":3}`))
	require.ErrorContains(t, err, "read BERT tokenizer")
}

func TestTextModelTakesALentTokenizer(t *testing.T) {
	s, _ := newStore(t)
	for i := range s.entries {
		s.entries[i].origins = nil
	}
	_, err := s.Prepare(t.Context(), MPNet, Seeded, nil)
	require.ErrorContains(t, err, "tokenizer of all-minilm-l6-v2")

	bert, err := os.ReadFile("../tokenizer/testdata/bert.json")
	require.NoError(t, err)
	lender := filepath.Join(s.Dir, MiniLM)
	require.NoError(t, os.MkdirAll(lender, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(lender, TokenizerFile), bert, 0o644))
	m, err := s.Prepare(t.Context(), MiniLM, Seeded, nil)
	require.NoError(t, err)
	require.Equal(t, sum(bert), m.Text.SHA256)
	require.NoError(t, os.WriteFile(filepath.Join(m.Dir, TokenizerFile), bert[:50], 0o644))
	_, err = s.Prepare(t.Context(), MiniLM, Seeded, nil)
	require.ErrorContains(t, err, "read tokenizer.json", "a damaged tokenizer that nothing can replace")
}
