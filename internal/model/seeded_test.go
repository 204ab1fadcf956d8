package model

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/model/safetensors"
	"stackbench/internal/model/seeded"
)

// TestSeededWeightsAreTheSameEverywhere holds the bytes: golden outputs and
// earlier results stand on them.
func TestSeededWeightsAreTheSameEverywhere(t *testing.T) {
	want := map[string]string{
		ResNet50:         "4a1177e66691ecd2d2a004b8dcb9b9472afdb53e5308d812fa16cf3d4046861c",
		EfficientNetLite: "9e2bdbf9796d875946434c8206c939977ea9b93785bc955d9d5430566521d93d",
		MiniLM:           "56abc9a788d44a3d952d531e3be10a47c65f47322f72370e6613ed1bfa5bd634",
		MPNet:            "7fc4fad1b25e2f6816af6d8ff71602d9d6a60e36d2521de2a1280f4aa071e891",
	}
	require.Len(t, want, len(Names()))
	for name, sum := range want {
		if raced && name != small {
			continue
		}
		tensors, err := layout(name)
		require.NoError(t, err)
		header, placed, err := safetensors.Header(tensors, seedMetadata())
		require.NoError(t, err)
		h := sha256.New()
		h.Write(header)
		for _, tensor := range placed {
			require.NoError(t, seeded.Tensor(h, tensor.Name, tensor.Shape, seed))
		}
		require.Equal(t, sum, hex.EncodeToString(h.Sum(nil)), name)
	}
}
