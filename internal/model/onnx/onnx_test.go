package onnx_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"stackbench/internal/model/onnx"
)

func skeletons(t testing.TB) map[string][]byte {
	paths, err := filepath.Glob("../graphs/*.onnx")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	all := map[string][]byte{}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		require.NoError(t, err)
		all[filepath.Base(p)] = data
	}
	return all
}

func TestExternalsOfResNet50(t *testing.T) {
	all, err := onnx.Externals(skeletons(t)["resnet50.onnx"])
	require.NoError(t, err)
	require.Len(t, all, 267)
	require.Contains(t, all, onnx.Initializer{Name: "conv1.weight", DataType: onnx.Float, Shape: []int64{64, 3, 7, 7}})
	params := int64(0)
	for _, i := range all {
		n := int64(1)
		for _, d := range i.Shape {
			n *= d
		}
		params += n
	}
	require.EqualValues(t, 25_557_032+2*26_560, params, "torchvision's parameters and two statistics for each normalised channel")
}

func TestPatchPlacesValues(t *testing.T) {
	for name, model := range skeletons(t) {
		want, err := onnx.Externals(model)
		require.NoError(t, err, name)
		at := int64(1000)
		patched, err := onnx.Patch(model, func(onnx.Initializer) (onnx.Place, error) {
			at++
			return onnx.Place{File: "w.bin", Offset: at, Length: 4}, nil
		})
		require.NoError(t, err, name)
		require.Equal(t, len(want), bytes.Count(patched, []byte("w.bin")), name)
		require.NotContains(t, string(patched), "model.safetensors", name)
		require.Contains(t, string(patched), "1001", name)

		got, err := onnx.Externals(patched)
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
		again, err := onnx.Patch(patched, func(onnx.Initializer) (onnx.Place, error) {
			at++
			return onnx.Place{File: "w.bin", Offset: at - int64(len(want)), Length: 4}, nil
		})
		require.NoError(t, err, name)
		require.Equal(t, patched, again, name)
	}
}

func TestPatchRefuses(t *testing.T) {
	model := skeletons(t)["resnet50.onnx"]
	no := errors.New("no such tensor")
	_, err := onnx.Patch(model, func(onnx.Initializer) (onnx.Place, error) { return onnx.Place{}, no })
	require.ErrorIs(t, err, no)
	require.ErrorContains(t, err, `initializer "conv1.weight"`)
	_, err = onnx.Externals(model[:len(model)-10])
	require.ErrorContains(t, err, "onnx: ")
	_, err = onnx.Externals(nil)
	require.ErrorContains(t, err, "0 graphs")
	_, err = onnx.Externals(protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.VarintType), 3))
	require.ErrorContains(t, err, "0 graphs")
}

func FuzzPatch(f *testing.F) {
	f.Add(skeletons(f)["resnet50.onnx"][:3000])
	var tensor, graph, model []byte
	tensor = protowire.AppendVarint(protowire.AppendTag(tensor, 1, protowire.VarintType), 64)
	tensor = protowire.AppendBytes(protowire.AppendTag(tensor, 1, protowire.BytesType), []byte{3, 7})
	tensor = protowire.AppendString(protowire.AppendTag(tensor, 8, protowire.BytesType), "w")
	tensor = protowire.AppendVarint(protowire.AppendTag(tensor, 14, protowire.VarintType), 1)
	graph = protowire.AppendBytes(protowire.AppendTag(graph, 5, protowire.BytesType), tensor)
	model = protowire.AppendBytes(protowire.AppendTag(model, 7, protowire.BytesType), graph)
	f.Add(model)
	f.Fuzz(func(t *testing.T, model []byte) {
		want, err := onnx.Externals(model)
		if err != nil {
			return
		}
		patched, err := onnx.Patch(model, func(onnx.Initializer) (onnx.Place, error) { return onnx.Place{File: "f", Length: 1}, nil })
		require.NoError(t, err)
		got, err := onnx.Externals(patched)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
