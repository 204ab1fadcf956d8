package results

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestName(t *testing.T) {
	for want, n := range map[string]Name{
		"ImageClassification/stack=triton/model=resnet50/proto=grpc/input=jpeg/batch=8/load=closed/conc=16": {
			Group: "ImageClassification", Stack: "triton", Model: "resnet50", Proto: "grpc", Input: "jpeg", Batch: 8, Conc: 16},
		"Embeddings/stack=fastapi-onnxruntime/model=all-minilm-l6-v2/precision=fp16/proto=rest/input=text/batch=1/load=open/rate=8": {
			Group: "Embeddings", Stack: "fastapi-onnxruntime", Model: "all-minilm-l6-v2", Precision: "fp16", Proto: "rest", Input: "text", Batch: 1, Rate: 8},
		"TextGeneration/stack=vllm/model=qwen2.5_0.5b/proto=rest/load=open/rate=8": {
			Group: "TextGeneration", Stack: "vllm", Model: "qwen2.5_0.5b", Proto: "rest", Rate: 8},
		"BatchServing/stack=triton/model=m/proto=grpc/input=ids/batch=mixed/batcher=16x5ms/load=closed/conc=16": {
			Group: "BatchServing", Stack: "triton", Model: "m", Proto: "grpc", Input: "ids", Batch: Mixed, Batcher: "16x5ms", Conc: 16},
		"BatchServing/stack=triton/model=m/proto=rest/batch=mixed/batcher=off/load=knee": {
			Group: "BatchServing", Stack: "triton", Model: "m", Proto: "rest", Batch: Mixed, Batcher: "off", Knee: true},
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
	good := Name{Group: "G", Stack: "s", Model: "m", Proto: "rest", Conc: 1}
	check := func(want string, change func(*Name)) {
		t.Helper()
		n := good
		change(&n)
		require.ErrorContains(t, n.Check(), want)
	}
	require.NoError(t, good.Check())
	check("ends like a GOMAXPROCS suffix", func(n *Name) { n.Stack = "beta-2" })
	check("characters outside", func(n *Name) { n.Model = "ResNet" })
	check("characters outside", func(n *Name) { n.Model = "a/b" })
	check("characters outside", func(n *Name) { n.Stack = "a b" })
	check("characters outside", func(n *Name) { n.Stack = "a=b" })
	check("exactly one of conc, rate, knee and users", func(n *Name) { n.Rate = 2 })
	check("exactly one of conc, rate, knee and users", func(n *Name) { n.Knee = true })
	check("exactly one of conc, rate, knee and users", func(n *Name) { n.Conc = 0 })
	check("nothing below zero", func(n *Name) { n.Batch = -2 })
	check("no stack", func(n *Name) { n.Stack = "" })
	check("fp32", func(n *Name) { n.Precision = "fp32" })
	check("exported Go name", func(n *Name) { n.Group = "g" })
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
