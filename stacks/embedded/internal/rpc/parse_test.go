package rpc

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"stackbench/internal/oippb"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/oip"
)

func FuzzParseGenerate(f *testing.F) {
	raw, err := oip.EncodeGenerate(generation.Prompt{Model: "m", Text: "bc", Tokens: 3, Exact: true})
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &oippb.ModelInferRequest{}
		if proto.Unmarshal(raw, r) != nil {
			return
		}
		how, request, err := parseGenerate(r)
		if err != nil {
			return
		}
		require.NoError(t, request.Check())
		require.True(t, how.exclude || !how.stream)
	})
}
