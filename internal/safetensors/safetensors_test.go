package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/safetensors"
)

func file(header string, data int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, data)...)
}

func read(data []byte) ([]safetensors.Tensor, error) {
	f, err := safetensors.Read(bytes.NewReader(data), int64(len(data)))
	return f.Tensors, err
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
		"one offset":      file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}`, 4),
		"three offsets":   file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, 4),
		"odd metadata":    file(`{"__metadata__":{"a":1}}`, 0),
		"tensor is text":  file(`{"a":"b"}`, 0),
		"header is array": file(`[]`, 0),
	} {
		_, err := read(data)
		require.ErrorContains(t, err, "safetensors", name)
	}
}

// TestLongestHeader: the format's own limit holds, whatever the file has.
func TestLongestHeader(t *testing.T) {
	for length, want := range map[uint64]string{100_000_000: "read header", 100_000_001: "header of 100000001 bytes", 1 << 63: "header of 9223372036854775808 bytes"} {
		prefix := binary.LittleEndian.AppendUint64(nil, length)
		_, err := safetensors.Read(bytes.NewReader(prefix), 1<<40)
		require.ErrorContains(t, err, want)
	}
}

func TestValuesAndMetadata(t *testing.T) {
	data := file(`{"__metadata__":{"model":"m"},"n":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"e":{"dtype":"F32","shape":[0],"data_offsets":[16,16]}}`, 16)
	binary.LittleEndian.PutUint32(data[len(data)-12:], 0x40490fdb)
	r := bytes.NewReader(data)
	f, err := safetensors.Read(r, int64(len(data)))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"model": "m"}, f.Metadata)
	values, err := safetensors.Floats(r, f.Tensors[0])
	require.NoError(t, err)
	require.Equal(t, []float32{0, 3.1415927}, values)
	_, err = safetensors.Floats(r, f.Tensors[1])
	require.ErrorContains(t, err, `"n" holds I64, not F32`)
	values, err = safetensors.Floats(r, f.Tensors[2])
	require.NoError(t, err)
	require.Empty(t, values)
	_, err = safetensors.Floats(bytes.NewReader(data[:len(data)-10]), f.Tensors[0])
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestHeaderRefusesUnknownType(t *testing.T) {
	_, _, err := safetensors.Header([]safetensors.Tensor{{Name: "a", DType: "F12"}}, nil)
	require.ErrorContains(t, err, `write tensor "a"`)
}

func FuzzRead(f *testing.F) {
	f.Add(file(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255})
	f.Add(file(`{}`, 0))
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
			if tensor.DType == "F32" {
				values, err := safetensors.Floats(bytes.NewReader(data), tensor)
				require.NoError(t, err)
				require.EqualValues(t, tensor.Size, 4*len(values))
			}
		}
		require.EqualValues(t, len(data)-8-int(binary.LittleEndian.Uint64(data)), total, "every byte of the data belongs to one tensor")
		header, placed, err := safetensors.Header(tensors, nil)
		require.NoError(t, err)
		again, err := read(append(header, make([]byte, total)...))
		require.NoError(t, err)
		require.ElementsMatch(t, placed, again)
	})
}
