package model

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/model/seeded"
	"stackbench/internal/safetensors"
)

// TestSeededWeightsAreTheSameEverywhere holds the bytes: golden outputs and
// earlier results stand on them.
func TestSeededWeightsAreTheSameEverywhere(t *testing.T) {
	want := map[string]string{
		ResNet50:         "ba1d469dc53ab9f35e6b15c051f71077c6c51bb37a6a95ce4f43b94775e99724",
		EfficientNetLite: "0574b3d3bafc79dc4de06e4cb1bcb53963ad9ab23ac86636df44509de643a147",
		MiniLM:           "eafb3998ab09571cb45b8fec29af38633d21eaf6bfab3f3c0bbe76bd677d0b3d",
		MPNet:            "9ace6ba53b4af67ee0c33eaa8d83608621a20c5846f8f8595a8990a1dc2a7bda",
		GPT2:             "fe6ddfebccffbeb5d22a296acecde6f95f86789b48580064a50d5da28628d1d6",
		OPT:              "e169f2dfc81cd193397c9e0785dfb2239b243f9678057b4b86b9b51d159021dc",
		SmolLM2:          "464683c44ae67875ed963b4fe9fec2399cbf6efc57aeccc73092350162e38541",
	}
	require.Len(t, want, len(Names()))
	for name, sum := range want {
		if raced && name != small {
			continue
		}
		spec, err := Spec(name)
		require.NoError(t, err)
		tensors, err := skeletons{published}.layout(spec)
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
