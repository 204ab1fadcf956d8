package stackbench

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"image/jpeg"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func readJSON[T any](t *testing.T, name string) T {
	t.Helper()
	data, err := fs.ReadFile(Testdata(), name)
	require.NoError(t, err)
	var value T
	require.NoError(t, json.Unmarshal(data, &value))
	return value
}

type imageRow struct {
	ID, File, Licence, SHA256 string
	Labels                    []int
	Width, Height             int
}

func TestImagesAreThoseOfTheManifest(t *testing.T) {
	rows := readJSON[[]imageRow](t, "images/manifest.json")
	require.Len(t, rows, 8)
	files, err := fs.Glob(Testdata(), "images/*.jpg")
	require.NoError(t, err)
	require.Len(t, files, len(rows))
	for _, row := range rows {
		data, err := fs.ReadFile(Testdata(), "images/"+row.File)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, row.SHA256, hex.EncodeToString(sum[:]), row.ID)
		config, err := jpeg.DecodeConfig(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, []int{row.Width, row.Height}, []int{config.Width, config.Height}, row.ID)
		require.NotEmpty(t, row.Licence, row.ID)
		for _, label := range row.Labels {
			require.True(t, label >= 0 && label < 1000, row.ID)
		}
	}
}

type clipRow struct {
	ID, File, Licence, Transcript, SHA256 string
	Rate, Samples                         int
}

func TestClipsAreThoseOfTheManifest(t *testing.T) {
	rows := readJSON[[]clipRow](t, "audio/manifest.json")
	require.Len(t, rows, 5)
	files, err := fs.Glob(Testdata(), "audio/*.wav")
	require.NoError(t, err)
	require.Len(t, files, len(rows))
	words := 0
	for _, row := range rows {
		data, err := fs.ReadFile(Testdata(), "audio/"+row.File)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		require.Equal(t, row.SHA256, hex.EncodeToString(sum[:]), row.ID)
		require.Equal(t, row.ID+".wav", row.File)
		require.Equal(t, 44+2*row.Samples, len(data), row.ID)
		require.NotEmpty(t, row.Licence, row.ID)
		require.NotContains(t, row.Transcript, "  ")
		words += len(strings.Fields(row.Transcript))
	}
	require.Equal(t, 71, words)
}

type textRow struct {
	ID, Text string
	Bucket   int
}

func TestTextsAreDistinctAndFillTheirBuckets(t *testing.T) {
	rows := readJSON[[]textRow](t, "texts/texts.json")
	buckets, ids, texts := map[int]int{}, map[string]bool{}, map[string]bool{}
	for _, row := range rows {
		buckets[row.Bucket]++
		ids[row.ID], texts[row.Text] = true, true
	}
	require.Equal(t, map[int]int{16: 32, 64: 32, 256: 32}, buckets)
	require.Len(t, ids, len(rows))
	require.Len(t, texts, len(rows))
}

// goldenShapes reads the header of a golden file: the shape of each tensor.
func goldenShapes(t *testing.T, model string) map[string][]int {
	t.Helper()
	data, err := fs.ReadFile(Testdata(), "golden/"+model+".safetensors")
	require.NoError(t, err)
	length := binary.LittleEndian.Uint64(data)
	var header map[string]struct {
		Shape   []int
		Offsets []int `json:"data_offsets"`
	}
	require.NoError(t, json.Unmarshal(data[8:8+length], &header))
	delete(header, "__metadata__")
	shapes := map[string][]int{}
	for id, tensor := range header {
		require.LessOrEqual(t, 8+int(length)+tensor.Offsets[1], len(data), id)
		shapes[id] = tensor.Shape
	}
	return shapes
}

func TestEveryImageHasGoldenLogits(t *testing.T) {
	want := map[string][]int{}
	for _, row := range readJSON[[]imageRow](t, "images/manifest.json") {
		want[row.ID], want[row.ID+".tensor"] = []int{1000}, []int{1000}
		_, err := fs.Stat(Testdata(), "tensors/"+row.ID+".png")
		require.NoError(t, err)
	}
	for _, model := range []string{"resnet50", "efficientnet-lite0"} {
		require.Equal(t, want, goldenShapes(t, model), model)
	}
}

func TestEveryTextHasAGoldenEmbedding(t *testing.T) {
	for model, width := range map[string]int{"all-minilm-l6-v2": 384, "all-mpnet-base-v2": 768} {
		want := map[string][]int{}
		for _, row := range readJSON[[]textRow](t, "texts/texts.json") {
			want[row.ID] = []int{width}
		}
		require.Equal(t, want, goldenShapes(t, model), model)
	}
}
