package model

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"stackbench/internal/safetensors"
	"stackbench/internal/stack"
)

var update = flag.Bool("update", false, "write the golden files")

// external is an initialiser of 32-bit floats, its values still at no place.
func external(name string, shape ...int64) []byte {
	var t []byte
	for _, d := range shape {
		t = protowire.AppendVarint(protowire.AppendTag(t, 1, protowire.VarintType), uint64(d))
	}
	t = protowire.AppendVarint(protowire.AppendTag(t, 2, protowire.VarintType), 1)
	t = protowire.AppendString(protowire.AppendTag(t, 8, protowire.BytesType), name)
	return protowire.AppendVarint(protowire.AppendTag(t, 14, protowire.VarintType), 1)
}

// drawing is a graph of initialisers alone, in a file for skeletons.
func drawing(initialisers ...[]byte) *fstest.MapFile {
	var graph []byte
	for _, t := range initialisers {
		graph = protowire.AppendBytes(protowire.AppendTag(graph, 5, protowire.BytesType), t)
	}
	return &fstest.MapFile{Data: protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), graph)}
}

// pairSpec is a model of two parts: what the encoder gives, the decoder takes.
func pairSpec() stack.Model {
	hidden := stack.TensorSpec{Name: "hidden_states", Datatype: "FP32", Shape: []int64{-1, -1, 4}}
	return stack.Model{
		Name: "tiny-pair", Task: stack.Embeddings, Architecture: "pair", Text: &stack.TextSpec{MaxTokens: 16},
		Graphs: []stack.Graph{
			{
				Name: "encoder", File: "encoder.onnx", Precision: stack.FP32,
				Inputs: tokens("input_ids", "attention_mask"), Outputs: []stack.TensorSpec{hidden},
			},
			{
				Name: "decoder", File: "decoder.onnx", Precision: stack.FP32,
				Inputs:  append(tokens("decoder_input_ids"), hidden),
				Outputs: []stack.TensorSpec{{Name: "logits", Datatype: "FP32", Shape: []int64{-1, -1, 10}}},
			},
		},
	}
}

// variantSpec is a model of one part in two precisions.
func variantSpec() stack.Model {
	m := stack.Model{
		Name: "tiny-variant", Task: stack.Embeddings, Architecture: "variant", Text: &stack.TextSpec{MaxTokens: 16},
		Graphs: single(tokens("input_ids", "attention_mask"), stack.TensorSpec{Name: "sentence_embedding", Datatype: "FP32", Shape: []int64{-1, 4}}),
	}
	rounded := m.Graphs[0]
	rounded.File, rounded.Precision = "model.int8.onnx", stack.INT8
	m.Graphs = append(m.Graphs, rounded)
	return m
}

// newPartsStore is a store of both, with their graphs and a tokenizer.
func newPartsStore(t *testing.T) (*Store, *[]string) {
	s, notes := newStore(t)
	s.entries = []entry{{Model: pairSpec(), vocab: "tiny-pair"}, {Model: variantSpec(), vocab: "tiny-pair"}}
	s.skeletons = skeletons{fstest.MapFS{
		"graphs/tiny-pair.encoder.onnx":       drawing(external("words", 10, 4), external("scale", 4)),
		"graphs/tiny-pair.decoder.onnx":       drawing(external("words", 10, 4), external("head.weight", 10, 4)),
		"graphs/tiny-variant.onnx":            drawing(external("words", 10, 4), external("scale", 4)),
		"graphs/tiny-variant.model.int8.onnx": drawing(external("scale", 4), external("words", 10, 4)),
	}}
	words, err := os.ReadFile("../tokenizer/testdata/bert.json")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(s.Dir, "tiny-pair"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "tiny-pair", TokenizerFile), words, 0o644))
	return s, notes
}

// TestPartsAndPrecisionsShareTheWeights: the store keeps a graph a part and
// precision, and each tensor once, at the same place for all of them. The
// golden descriptions are what the servers' own tests read.
func TestPartsAndPrecisionsShareTheWeights(t *testing.T) {
	s, notes := newPartsStore(t)
	for _, c := range []struct {
		spec    stack.Model
		tensors []string
	}{{pairSpec(), []string{"words", "scale", "head.weight"}}, {variantSpec(), []string{"words", "scale"}}} {
		m, err := s.Prepare(t.Context(), c.spec.Name, Seeded, nil)
		require.NoError(t, err)
		require.Equal(t, c.spec.Graphs, m.Graphs)
		description, err := os.ReadFile(filepath.Join(m.Dir, SpecFile))
		require.NoError(t, err)
		golden(t, c.spec.Name+".json", description)

		at, err := tensorsOf(filepath.Join(m.Dir, WeightsFile))
		require.NoError(t, err)
		require.Len(t, at, len(c.tensors))
		for _, g := range m.Graphs {
			data, err := os.ReadFile(filepath.Join(m.Dir, g.File))
			require.NoError(t, err)
			for _, name := range c.tensors {
				if bytes.Contains(data, []byte(name)) {
					require.Contains(t, string(data), offset(at[name]), "%s in %s", name, g.File)
				}
			}
			require.Contains(t, string(data), offset(at["words"]))
		}
		again, err := s.Prepare(t.Context(), c.spec.Name, Auto, nil)
		require.NoError(t, err)
		require.Equal(t, m, again)
		require.Empty(t, *notes)
	}
}

// offset is the entry of an external initialiser that says where it begins.
func offset(t safetensors.Tensor) string {
	at := strconv.FormatInt(t.Start, 10)
	return fmt.Sprintf("\n\x06offset\x12%c%s", len(at), at)
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestADamagedPartIsMadeAgain(t *testing.T) {
	s, notes := newPartsStore(t)
	m, err := s.Prepare(t.Context(), "tiny-pair", Seeded, nil)
	require.NoError(t, err)
	for i, file := range []string{"encoder.onnx", "decoder.onnx"} {
		require.NoError(t, os.WriteFile(filepath.Join(m.Dir, file), []byte("half"), 0o644))
		_, err = s.Prepare(t.Context(), "tiny-pair", Auto, nil)
		require.NoError(t, err)
		require.Len(t, *notes, i+1)
		require.Contains(t, (*notes)[i], file+" is not the graph of these weights")
		data, err := os.ReadFile(filepath.Join(m.Dir, file))
		require.NoError(t, err)
		require.NotEqual(t, "half", string(data))
	}
}

func TestPartsThatDoNotFit(t *testing.T) {
	s, _ := newPartsStore(t)
	graphs := s.skeletons.FS.(fstest.MapFS)
	for want, decoder := range map[string]*fstest.MapFile{
		`tensor "words" is [10 4] in one and [10 5] in another`: drawing(external("words", 10, 5)),
		"no graph of tiny-pair, decoder in fp32":                nil,
	} {
		delete(graphs, "graphs/tiny-pair.decoder.onnx")
		if decoder != nil {
			graphs["graphs/tiny-pair.decoder.onnx"] = decoder
		}
		_, err := s.Prepare(t.Context(), "tiny-pair", Seeded, nil)
		require.ErrorContains(t, err, want)
	}
}

// TestAnEarlierStoreIsTakenOver: a model that was prepared when model.json had
// one list of inputs and outputs keeps its files, and the servers find the
// graphs in it.
func TestAnEarlierStoreIsTakenOver(t *testing.T) {
	data := publishedFile(t)
	o, asked := hub(t, data)
	s, notes := newStore(t, o)
	m, err := s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	now := encode(m)
	earlier, err := os.ReadFile(filepath.Join("testdata", "earlier.json"))
	require.NoError(t, err)
	earlier = bytes.Replace(earlier, []byte("SHA256"), []byte(m.Weights.SHA256), 1)
	spec := filepath.Join(m.Dir, SpecFile)
	require.NoError(t, os.WriteFile(spec, earlier, 0o644))
	before, err := os.Stat(filepath.Join(m.Dir, WeightsFile))
	require.NoError(t, err)

	read, err := Read(m.Dir)
	require.NoError(t, err)
	require.Equal(t, m, read)
	again, err := s.Prepare(t.Context(), small, Hub, nil)
	require.NoError(t, err)
	require.Equal(t, m, again)
	require.Empty(t, *notes, "nothing was damaged, and nobody need know")
	require.EqualValues(t, 1, asked.Load(), "nothing is fetched again")
	after, err := os.Stat(filepath.Join(m.Dir, WeightsFile))
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
	written, err := os.ReadFile(spec)
	require.NoError(t, err)
	require.Equal(t, string(now), string(written), "the servers read the present form")

	require.NoError(t, os.WriteFile(spec, bytes.Replace(earlier, []byte("logits"), []byte("scores"), 1), 0o644))
	again, err = s.Prepare(t.Context(), small, Auto, nil)
	require.NoError(t, err)
	require.Equal(t, m, again)
	require.Contains(t, (*notes)[0], "is of another version", "what the catalogue has otherwise is made again")
}
