package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/model/safetensors"
)

func file(header string, data int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, data)...)
}

func read(data []byte) ([]safetensors.Tensor, error) {
	return safetensors.Read(bytes.NewReader(data), int64(len(data)))
}

func TestHeaderIsReadBack(t *testing.T) {
	want := []safetensors.Tensor{
		{Name: "b.weight", DType: "F32", Shape: []int64{2, 3}},
		{Name: "a", DType: "I64", Shape: []int64{}},
		{Name: "empty \"x\"", DType: "F16", Shape: []int64{0, 4}},
	}
	header, placed, err := safetensors.Header(want, map[string]string{"format": "pt"})
	require.NoError(t, err)
	require.Zero(t, len(header)%8)
	require.EqualValues(t, len(header), placed[0].Start)
	got, err := read(append(header, make([]byte, 24+8)...))
	require.NoError(t, err)
	require.ElementsMatch(t, placed, got)
	require.Equal(t, "b.weight", got[0].Name)
}

func TestReadRefuses(t *testing.T) {
	one := `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	whole := file(one, 8)
	_, err := read(whole)
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"nothing":         nil,
		"half a length":   whole[:4],
		"half a header":   whole[:20],
		"half the data":   whole[:len(whole)-4],
		"too much data":   append(bytes.Clone(whole), 0),
		"huge length":     file(one, 8)[:8:8],
		"not JSON":        file(`{"a":`, 0),
		"unknown dtype":   file(`{"a":{"dtype":"F12","shape":[2],"data_offsets":[0,8]}}`, 8),
		"wrong size":      file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, 8),
		"negative shape":  file(`{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,-8]}}`, 8),
		"overflow":        file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0),
		"backwards":       file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, 8),
		"gap":             file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8),
		"overlap":         file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, 12),
		"start far away":  file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}`, 0),
		"tensor is text":  file(`{"a":"b"}`, 0),
		"header is array": file(`[]`, 0),
	} {
		_, err := read(data)
		require.ErrorContains(t, err, "safetensors", name)
	}
}

func TestHeaderRefusesUnknownType(t *testing.T) {
	_, _, err := safetensors.Header([]safetensors.Tensor{{Name: "a", DType: "F12"}}, nil)
	require.ErrorContains(t, err, `write tensor "a"`)
}

func FuzzRead(f *testing.F) {
	f.Add(file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(file(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"I64","shape":[1],"data_offsets":[4,12]}}`, 12))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := read(data)
		if err != nil {
			return
		}
		total := int64(0)
		for _, tensor := range tensors {
			require.GreaterOrEqual(t, tensor.Start, int64(8))
			require.LessOrEqual(t, tensor.Start+tensor.Size, int64(len(data)))
			total += tensor.Size
		}
		header, placed, err := safetensors.Header(tensors, nil)
		require.NoError(t, err)
		again, err := read(append(header, make([]byte, total)...))
		require.NoError(t, err)
		require.ElementsMatch(t, placed, again)
	})
}
