package results

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/axis"
)

func TestName(t *testing.T) {
	for want, n := range map[string]Name{
		"ImageClassification/stack=triton/model=resnet50/proto=grpc/input=jpeg/batch=8/load=closed/conc=16": Name{Group: "ImageClassification"}.
			With(axis.Stack, "triton").With(axis.Model, "resnet50").With(axis.Proto, "grpc").With(axis.Input, "jpeg").
			With(axis.Batch, "8").With(axis.Conc, "16"),
		"Embeddings/stack=fastapi-onnxruntime/model=all-minilm-l6-v2/precision=fp16/proto=rest/input=text/batch=1/load=open/rate=8": Name{Group: "Embeddings"}.
			With(axis.Stack, "fastapi-onnxruntime").With(axis.Model, "all-minilm-l6-v2").With(axis.Precision, "fp16").With(axis.Proto, "rest").
			With(axis.Input, "text").With(axis.Batch, "1").With(axis.Rate, "8"),
		"TextGeneration/stack=vllm/model=qwen2.5_0.5b/proto=rest/load=open/rate=8": Name{Group: "TextGeneration"}.With(axis.Stack, "vllm").With(axis.Model, "qwen2.5_0.5b").With(axis.Proto, "rest").With(axis.Rate, "8"),
		"BatchServing/stack=triton/model=m/proto=grpc/input=ids/batch=mixed/batcher=16x5ms/load=closed/conc=16": Name{Group: "BatchServing"}.
			With(axis.Stack, "triton").With(axis.Model, "m").With(axis.Proto, "grpc").With(axis.Input, "ids").
			With(axis.Batch, axis.Mixed).With(axis.Batcher, "16x5ms").With(axis.Conc, "16"),
		"BatchServing/stack=triton/model=m/proto=rest/batch=mixed/batcher=off/load=knee": Name{Group: "BatchServing"}.
			With(axis.Stack, "triton").With(axis.Model, "m").With(axis.Proto, "rest").With(axis.Batch, axis.Mixed).
			With(axis.Batcher, "off").With(axis.Load, axis.Knee),
	} {
		require.NoError(t, n.Check())
		require.Equal(t, want, n.String())
		for _, written := range []string{want, "Benchmark" + want, "Benchmark" + want + "-2", want + "-128"} {
			got, err := ParseName(written)
			require.NoError(t, err)
			require.Equal(t, n, got)
		}
	}
	require.Equal(t, "image_classification", Name{Group: "ImageClassification"}.GroupTitle())
	require.Equal(t, "embeddings", Name{Group: "Embeddings"}.GroupTitle())
}

func TestNamesThatCannotBeReadBack(t *testing.T) {
	good := Name{Group: "G"}.With(axis.Stack, "s").With(axis.Model, "m").With(axis.Proto, "rest").With(axis.Conc, "1")
	check := func(want string, k axis.Key, text string) {
		t.Helper()
		require.ErrorContains(t, good.With(k, text).Check(), want)
	}
	require.NoError(t, good.Check())
	check("ends like a GOMAXPROCS suffix", axis.Stack, "beta-2")
	check("characters outside", axis.Model, "ResNet")
	check("characters outside", axis.Model, "a/b")
	check("characters outside", axis.Stack, "a b")
	check("characters outside", axis.Stack, "a=b")
	check("exactly one of conc, rate, knee and users", axis.Rate, "2")
	check("exactly one of conc, rate, knee and users", axis.Load, axis.Knee)
	check("exactly one of conc, rate, knee and users", axis.Conc, "")
	check("plain number above zero", axis.Batch, "-2")
	check("no stack", axis.Stack, "")
	check("fp32", axis.Precision, "fp32")
	require.ErrorContains(t, Name{"g", good.Values}.Check(), "exported Go name")
}

func TestParseNameIsStrict(t *testing.T) {
	for s, want := range map[string]string{
		"":                                     "not key=value",
		"G":                                    "not key=value",
		"G/stack=s":                            "exactly one of",
		"G/model=m/stack=s/load=closed/conc=1": "another order",
		"G/stack=s/model=m/load=open/conc=1":   "another order",
		"G/stack=s/model=m/conc=1":             "another order",
		"G/stack=s/stack=t/model=m/load=closed/conc=1":    "another order",
		"G/stack=s/model=m/load=closed/conc=01":           "another order",
		"G/stack=s/model=m/load=closed/conc=-1":           "exactly one of", // -1 is cut as GOMAXPROCS
		"G/stack=s/model=m/load=closed/conc=x":            "plain number",
		"G/stack=s/model=m/load=closed/conc=0":            "plain number",
		"G/stack=s/model=m/colour=red/load=closed/conc=1": `unknown key "colour"`,
		"G/stack=s/model=m/load=closed/conc=1/":           "not key=value",
	} {
		_, err := ParseName(s)
		require.Error(t, err, s)
		if want != "exactly one of" || !strings.Contains(s, "-1") {
			require.ErrorContains(t, err, want, s)
		}
	}
}

// TestReadingANameBuildsNoTables: a report reads one for each trial and skip, and
// for each key of it a table was built.
func TestReadingANameBuildsNoTables(t *testing.T) {
	const name = "TextGeneration/stack=vllm/model=gpt2/precision=fp16/proto=sse/input=text/tokens=128x128/prefix=shared/batch=1/batcher=off/load=closed/conc=4"
	require.LessOrEqual(t, testing.AllocsPerRun(10, func() {
		if _, err := ParseName(name); err != nil {
			t.Error(err)
		}
	}), 12.0)
}

func FuzzParseName(f *testing.F) {
	f.Add("BenchmarkImageClassification/stack=triton/model=resnet50/proto=grpc/input=jpeg/batch=8/load=closed/conc=16-2")
	f.Add("E/stack=a/model=b/precision=fp16/load=open/rate=3")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseName(s)
		if err != nil {
			return
		}
		require.NoError(t, n.Check())
		again, err := ParseName("Benchmark" + n.String() + "-64")
		require.NoError(t, err)
		require.Equal(t, n, again)
	})
}
