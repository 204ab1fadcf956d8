package workload_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/workload"
)

func TestImagesDifferByTheirSaltAloneNotByTheirPixels(t *testing.T) {
	one, err := workload.Images(stackbench.Testdata(), 1, 32)
	require.NoError(t, err)
	two, err := workload.Images(stackbench.Testdata(), 2, 32)
	require.NoError(t, err)
	seen := map[string]bool{}
	for i := range one {
		require.Equal(t, one[i].ID, two[i].ID)
		require.Equal(t, strings.HasPrefix(one[i].ID, "seeded-"), !one[i].Golden)
		require.Equal(t, pixels(t, one[i].JPEG), pixels(t, two[i].JPEG))
		for _, img := range [][]byte{one[i].JPEG, two[i].JPEG} {
			require.False(t, seen[string(img)], "image %d was sent before", i)
			seen[string(img)] = true
		}
	}
	again, err := workload.Images(stackbench.Testdata(), 1, 32)
	require.NoError(t, err)
	require.Equal(t, one, again)
}

func pixels(t *testing.T, file []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(file))
	require.NoError(t, err)
	return img
}

func TestEveryLabelledPhotographIsSent(t *testing.T) {
	images, err := workload.Images(stackbench.Testdata(), 1, 16)
	require.NoError(t, err)
	labels, err := workload.Labels(stackbench.Testdata())
	require.NoError(t, err)
	require.Len(t, labels, 6)
	sent := map[string]bool{}
	for _, img := range images {
		sent[img.ID] = true
	}
	for id := range labels {
		require.True(t, sent[id], id)
	}
}

func TestTensorsAreNormalisedPlanesWithAHairOfSalt(t *testing.T) {
	norm := workload.Normalisation{Mean: [3]float32{127, 127, 127}, Std: [3]float32{128, 128, 128}}
	one, err := workload.Tensors(stackbench.Testdata(), norm, 1, 9)
	require.NoError(t, err)
	two, err := workload.Tensors(stackbench.Testdata(), norm, 2, 9)
	require.NoError(t, err)
	require.Equal(t, one[0].ID, one[8].ID)
	require.NotEqual(t, one[0].Data, one[8].Data)
	for i := range one {
		require.Len(t, one[i].Data, 3*224*224)
		require.NotEqual(t, one[i].Data, two[i].Data)
		for j, v := range one[i].Data {
			require.InDelta(t, v, two[i].Data[j], 1e-6)
			require.GreaterOrEqual(t, v, float32(-1))
			require.LessOrEqual(t, v, float32(1.0001))
		}
	}
}

func TestTextsKeepTheirWords(t *testing.T) {
	plain := map[string]string{}
	for _, bucket := range []int{16, 64, 256} {
		one, err := workload.Texts(stackbench.Testdata(), bucket, 1, 40)
		require.NoError(t, err)
		two, err := workload.Texts(stackbench.Testdata(), bucket, 2, 40)
		require.NoError(t, err)
		require.NotEqual(t, one, two)
		for _, text := range append(one, two...) {
			words := strings.Join(strings.Fields(strings.ToLower(text.Text)), " ")
			if old, ok := plain[text.ID]; ok {
				require.Equal(t, old, words)
			}
			plain[text.ID] = words
		}
	}
	require.Len(t, plain, 96)
	_, err := workload.Texts(stackbench.Testdata(), 17, 1, 1)
	require.ErrorContains(t, err, "16, 64 or 256")
}
