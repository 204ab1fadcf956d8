package quality

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/stack"
)

// golden has four classes; a and b are far apart.
func golden(source string) *Golden {
	return &Golden{Model: "m", Source: source, SHA256: "abc", Maker: "torch 2", Answers: map[string][]float32{
		"a": {10, 5, 9.99, -3}, "b": {1, 8, 2, 0}, "a.tensor": {10, 5, 9.99, -3}, "b.tensor": {1, 8, 2, 0},
	}}
}

func file(t testing.TB, header string, data []float32) []byte {
	t.Helper()
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	b, err := binary.Append(b, binary.LittleEndian, data)
	require.NoError(t, err)
	return b
}

const meta = `"__metadata__":{"model":"m","torch":"2","weights_sha256":"abc","weights_source":"seeded"}`

func TestReadGolden(t *testing.T) {
	whole := file(t, `{`+meta+`,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}  `, []float32{1, 2, 3, 4})
	g, err := ReadGolden(fstest.MapFS{"golden/m.safetensors": {Data: whole}}, "m")
	require.NoError(t, err)
	require.Equal(t, &Golden{Model: "m", Source: "seeded", SHA256: "abc", Maker: "torch 2", Answers: map[string][]float32{"a": {1, 2}, "b": {3, 4}}}, g)
	require.False(t, g.Trained())
	require.NoError(t, g.Match("ABC"))
	require.ErrorContains(t, g.Match("def"), "are of weights abc (seeded), not of the served def\n")

	one := func(entry string) []byte { return file(t, `{`+meta+`,"a":`+entry+`}`, []float32{1, 2}) }
	nan := float32(math.NaN())
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"half a file":     {whole[:len(whole)-4], "tensors end at byte"},
		"bytes after":     {append(slices.Clone(whole), 0), "tensors end at byte"},
		"empty":           {nil, "no header length"},
		"web page":        {[]byte("<!DOCTYPE html><html></html>"), "header of"},
		"not JSON":        {file(t, "{", nil), "header"},
		"other type":      {one(`{"dtype":"F16","shape":[4],"data_offsets":[0,8]}`), `F16, not F32`},
		"shape too large": {one(`{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}`), "shape [4294967296 4294967296]"},
		"shape too small": {one(`{"dtype":"F32","shape":[1],"data_offsets":[0,8]}`), "of 4 bytes is said to lie at 0 to 8"},
		"backwards":       {one(`{"dtype":"F32","shape":[2],"data_offsets":[8,0]}`), "is said to lie at 8 to 0"},
		"gap":             {one(`{"dtype":"F32","shape":[1],"data_offsets":[4,8]}`), "starts at byte"},
		"one offset":      {one(`{"dtype":"F32","shape":[1],"data_offsets":[4]}`), "1 offsets"},
		"no tensor":       {file(t, `{`+meta+`}`, nil), "holds no answer"},
		"no metadata":     {file(t, `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, []float32{1, 2}), `says model ""`},
		"not a number":    {file(t, `{`+meta+`,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, []float32{1, nan}), `answer "a" is NaN at 1`},
		"unlike lengths":  {file(t, `{`+meta+`,"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, []float32{1, 2, 3}), "values, another has"},
	} {
		_, err := ReadGolden(fstest.MapFS{"golden/m.safetensors": {Data: c.file}}, "m")
		require.ErrorContains(t, err, c.want, name)
		require.Contains(t, err.Error(), "\n", "%s: the cure is missing", name)
	}
	_, err = ReadGolden(fstest.MapFS{}, "m")
	require.ErrorContains(t, err, "no golden answers of m")
}

// The committed golden answers are read, and tell every input from every other.
func TestCommittedGoldenAnswers(t *testing.T) {
	for _, c := range []struct {
		model string
		text  bool
	}{{"efficientnet-lite0", false}, {"all-minilm-l6-v2", true}} {
		g, err := ReadGolden(stackbench.Testdata(), c.model)
		require.NoError(t, err)
		require.True(t, g.Trained())
		if c.text {
			e := NewEmbeddings(g, "")
			for id, v := range g.Answers {
				e.Add(id, v)
			}
			require.True(t, e.Verdict().OK(), e.Verdict().Reason())
			continue
		}
		for _, form := range []stack.Input{stack.JPEG, stack.Tensor} {
			l := NewLogits(g, form, "")
			l.Add(ID("cat_tabby", form), g.Answers["cat_tabby"])
			l.Add(ID("espresso", form), g.Answers["espresso"])
			require.True(t, l.Verdict().OK(), l.Verdict().Reason())
			a, ok := l.Accuracy(map[string][]int{"cat_tabby": {281, 282, 285}, "espresso": {1}})
			require.True(t, ok)
			require.Equal(t, Accuracy{Hits: 1, Labelled: 2}, a)
		}
	}
}

func TestLogits(t *testing.T) {
	check := func(form stack.Input, logits []float32, want string) {
		t.Helper()
		l := NewLogits(golden("seeded"), form, "")
		l.Add(ID("a", form), logits)
		if want == "" {
			require.True(t, l.Verdict().OK(), l.Verdict().Reason())
			return
		}
		require.False(t, l.Verdict().OK())
		require.Contains(t, l.Verdict().Reason(), want)
	}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	check(stack.Tensor, []float32{10, 5, 9.99, -3}, "")
	check(stack.Tensor, []float32{9.995, 5, 9.999, -3}, "") // a tie within the tolerance
	check(stack.Tensor, []float32{10, 5.02, 9.99, -3}, "a.tensor: a logit is 0.002 off, allowed 0.001")
	check(stack.JPEG, []float32{10, 5.15, 9.99, -3}, "")
	check(stack.JPEG, []float32{10, 5.25, 9.99, -3}, "a: a logit is 0.025 off, allowed 0.02")
	check(stack.JPEG, []float32{5, 10, 9.99, -3}, "top-1 is 1, golden 0")
	check(stack.JPEG, []float32{1, 8, 2, 0}, "top-1 is 1") // the answer to b
	check(stack.Tensor, []float32{10, 5, 9.99}, "3 logits, want 4")
	check(stack.Tensor, nil, "0 logits, want 4")
	check(stack.Tensor, []float32{10, inf, 9.99, -3}, "logit 1 is +Inf")
	check(stack.Tensor, []float32{nan, 5, 9.99, -3}, "logit 0 is NaN")
	check(stack.Tensor, []float32{0, 0, 0, 0}, "a logit is 1 off")
}

func TestTopLists(t *testing.T) {
	check := func(top []Ranked, want string) {
		t.Helper()
		l := NewLogits(golden("seeded"), stack.JPEG, "")
		l.AddTop("a", top)
		if want == "" {
			require.True(t, l.Verdict().OK(), l.Verdict().Reason())
			return
		}
		require.Contains(t, l.Verdict().Reason(), want)
		require.False(t, l.Verdict().OK())
	}
	check([]Ranked{{0, 10}, {2, 9.99}, {1, 5}}, "")
	check([]Ranked{{2, 10}, {0, 9.95}}, "")
	check(nil, "an empty top list")
	check([]Ranked{{0, 10}, {1, 5}}, "a logit is 0.5 off") // class 2 is missing from the best two
	check([]Ranked{{0, 10}, {2, 5}}, "a logit is 0.5 off")
	check([]Ranked{{1, 10}, {2, 9.99}}, "top-1 is 1, golden 0")
	check([]Ranked{{2, 9.99}, {0, 10}}, "not best first")
	check([]Ranked{{0, 10}, {0, 10}}, "twice")
	check([]Ranked{{4, 10}}, "class 4 of 4")
	check([]Ranked{{-1, 10}}, "class -1")
	check([]Ranked{{0, float32(math.NaN())}}, "logit 0 is NaN")
}

func TestVerdictCountsAndQuotes(t *testing.T) {
	l := NewLogits(golden("seeded"), stack.Tensor, "")
	require.False(t, l.Verdict().OK(), "nothing was checked")
	require.Equal(t, "no answer was checked", l.Verdict().Reason())
	for range 118 {
		l.Add("a.tensor", []float32{10, 5, 9.99, -3})
	}
	l.Add("b.tensor", []float32{1, 8.004, 2, 0})
	require.Equal(t, "119 of 119 agree (top-1, logits within 1e-3)", l.Verdict().String())
	require.InDelta(t, 0.0005, l.Verdict().Worst, 1e-6)
	require.InDelta(t, 0.0005/119, l.Verdict().Mean, 1e-8)
	l.Broken("a.tensor", "empty body")
	l.Broken("a.tensor", "empty body")
	for i := range 5 {
		l.Add("c.tensor", make([]float32, i))
		l.Add("a.tensor", make([]float32, i))
	}
	v := l.Verdict()
	require.Equal(t, 119, v.Agree)
	require.Equal(t, 131, v.Checked)
	require.Equal(t, []string{"a.tensor: empty body", "c.tensor: no golden answer", "a.tensor: 0 logits, want 4", "and 4 more"}, v.Reasons)
}

func TestGoldenAnswersThatTellNothingApartProveNothing(t *testing.T) {
	g := golden("seeded")
	g.Answers["b"] = []float32{10, 5, 9.99, -2.9}
	l := NewLogits(g, stack.JPEG, "")
	l.Add("a", g.Answers["a"])
	require.Contains(t, l.Verdict().Reason(), "the golden answers to a and b are too close")
	l = NewLogits(g, stack.Tensor, "") // its own answers are apart
	l.Add("a.tensor", g.Answers["a.tensor"])
	require.True(t, l.Verdict().OK())

	g.Answers = map[string][]float32{"a": {1, 0}, "b": {2, 0.001}}
	e := NewEmbeddings(g, "")
	e.Add("a", []float32{1, 0})
	require.Contains(t, e.Verdict().Reason(), "too close")
}

func TestAccuracyNeedsTrainedWeightsAndLabels(t *testing.T) {
	labels := map[string][]int{"a": {2, 0}, "b": {}}
	for source, want := range map[string]bool{"seeded": false, "package": true, "hub": true} {
		l := NewLogits(golden(source), stack.Tensor, "")
		l.Add("a.tensor", []float32{10, 5, 9.99, -3})
		l.Add("b.tensor", []float32{1, 8, 2, 0})
		a, ok := l.Accuracy(labels)
		require.Equal(t, want, ok, source)
		require.Equal(t, Accuracy{1, 1}, a)
		_, ok = l.Accuracy(nil)
		require.False(t, ok)
	}
}

func TestEmbeddings(t *testing.T) {
	g := &Golden{Maker: "torch 2", Answers: map[string][]float32{"a": {0.6, 0.8, 0}, "b": {0, 0, 1}}}
	check := func(v []float32, want string) {
		t.Helper()
		e := NewEmbeddings(g, "")
		e.Add("a", v)
		if want == "" {
			require.True(t, e.Verdict().OK(), e.Verdict().Reason())
			require.Equal(t, "1 of 1 agree (cosine ≥0.99999, same length)", e.Verdict().String())
			return
		}
		require.Contains(t, e.Verdict().Reason(), want)
	}
	check([]float32{0.6, 0.8, 0}, "")
	check([]float32{0.6, 0.8, 0.004}, "") // cosine 0.999992
	check([]float32{0.6, 0.8, 0.005}, "cosine 0.9999875, under 0.99999")
	check([]float32{-0.6, -0.8, 0}, "cosine -1.0")
	check([]float32{6, 8, 0}, "length 10, golden 1")
	check([]float32{0, 0, 0}, "all values are zero")
	check([]float32{0, 0, 1}, "cosine 0.0") // the answer to b
	check(nil, "0 values, want 3")
	check([]float32{0.6, float32(math.NaN()), 0}, "value 1 is NaN")
	check([]float32{float32(math.Inf(-1)), 0, 0}, "value 0 is -Inf")
}

// TestPrecisionIsNamedOrFound: what rounds to 16 bits is not float32, and says so.
func TestPrecisionIsNamedOrFound(t *testing.T) {
	g := &Golden{Maker: "torch 2", Answers: map[string][]float32{"a": {0.6, 0.8, 0}, "b": {0, 0, 1}}}
	for precision, off := range map[string]float32{"": 0.005, "fp16": 0.02, "bf16": 0.05, "int8": 0.25} {
		e := NewEmbeddings(g, precision)
		e.Add("a", []float32{0.6, 0.8, off})
		require.False(t, e.Verdict().OK(), precision)
		require.InDelta(t, off/0.8, e.Verdict().Error, 1e-6)
		e = NewEmbeddings(g, precision)
		length := float32(math.Sqrt(1 + float64(off*off/4)))
		e.Add("a", []float32{0.6 / length, 0.8 / length, off / 2 / length})
		require.True(t, e.Verdict().OK(), precision)
	}
	for precision, off := range map[string]float32{"": 0.0011, "fp16": 0.007, "bf16": 0.05, "int8": 0.11} {
		l := NewLogits(&Golden{Answers: map[string][]float32{"a.tensor": {10, 0}}}, stack.Tensor, precision)
		l.Add("a.tensor", []float32{10 + 10*off, 0})
		require.False(t, l.Verdict().OK(), precision)
		require.InDelta(t, off, l.Verdict().Error, 1e-5)
	}
}
