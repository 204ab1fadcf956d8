package seeded_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/model/seeded"
)

func values(t testing.TB, name string, shape []int64, seed uint64) []float32 {
	var b bytes.Buffer
	require.NoError(t, seeded.Tensor(&b, name, shape, seed))
	out := make([]float32, b.Len()/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b.Bytes()[4*i:]))
	}
	return out
}

func moments(v []float32) (mean, variance float64) {
	for _, x := range v {
		mean += float64(x) / float64(len(v))
	}
	for _, x := range v {
		variance += (float64(x) - mean) * (float64(x) - mean) / float64(len(v))
	}
	return mean, variance
}

func TestTensorHasTheVarianceOfItsKind(t *testing.T) {
	for name, c := range map[string]struct {
		shape      []int64
		low, high  float64
		mean, vari float64
	}{
		"layer1.0.conv2.weight":             {[]int64{256, 64, 3, 3}, -0.15, 0.15, 0, 2.0 / 576},
		"fc.weight":                         {[]int64{1000, 2048}, -0.1, 0.1, 0, 1.0 / 2048},
		"encoder.layer.0.output.weight":     {[]int64{384, 1536}, -0.1, 0.1, 0, 1.0 / 1536},
		"embeddings.word_embeddings.weight": {[]int64{3000, 384}, -1.74, 1.74, 0, 1},
		"bn1.weight":                        {[]int64{20000}, 0.8, 1.2, 1, 0.16 / 12},
		"bn1.running_var":                   {[]int64{20000}, 0.8, 1.2, 1, 0.16 / 12},
		"bn1.running_mean":                  {[]int64{20000}, -0.1, 0.1, 0, 0.04 / 12},
		"bn1.bias":                          {[]int64{20000}, -0.05, 0.05, 0, 0.01 / 12},
	} {
		v := values(t, name, c.shape, 1)
		mean, vari := moments(v)
		require.InDelta(t, c.mean, mean, 0.02*math.Sqrt(c.vari), name)
		require.InEpsilon(t, c.vari, vari, 0.03, name)
		for _, x := range v {
			require.True(t, float64(x) >= c.low && float64(x) <= c.high, "%s: %v", name, x)
		}
	}
}

func TestConvolutionsSumToZero(t *testing.T) {
	v := values(t, "layer1.0.conv2.weight", []int64{8, 64, 3, 3}, 1)
	for r := range 8 {
		mean, _ := moments(v[r*576 : (r+1)*576])
		require.InDelta(t, 0, mean, 1e-7)
	}
}

func TestTensorDependsOnNameAndSeed(t *testing.T) {
	shape := []int64{16, 16}
	a := values(t, "a.weight", shape, 1)
	require.Equal(t, a, values(t, "a.weight", shape, 1))
	require.NotEqual(t, a, values(t, "b.weight", shape, 1))
	require.NotEqual(t, a, values(t, "a.weight", shape, 2))
}

func TestTensorErrors(t *testing.T) {
	require.ErrorContains(t, seeded.Tensor(io.Discard, "a", []int64{4, 0}, 1), `seed tensor "a"`)
	r, w := io.Pipe()
	require.NoError(t, r.Close())
	require.ErrorIs(t, seeded.Tensor(w, "a", []int64{4, 4}, 1), io.ErrClosedPipe)
}

func BenchmarkTensor(b *testing.B) {
	b.SetBytes(4 << 20)
	for b.Loop() {
		if err := seeded.Tensor(io.Discard, "layer.weight", []int64{1024, 1024}, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// TestBytesAreHeld runs on platforms for which the models cannot be built, too.
func TestBytesAreHeld(t *testing.T) {
	h := sha256.New()
	for _, name := range []string{"layer1.0.conv2.weight", "layer1.0.conv3.weight"} {
		require.NoError(t, seeded.Tensor(h, name, []int64{64, 32, 3, 3}, 5))
	}
	require.NoError(t, seeded.Tensor(h, "bn1.running_mean", []int64{256}, 5))
	require.NoError(t, seeded.Tensor(h, "embeddings.word_embeddings.weight", []int64{100, 384}, 5))
	require.Equal(t, "92f56236e08058960bb973f80a8109c13da0d0f1ae79134a58322756edd78093", hex.EncodeToString(h.Sum(nil)))
}
