package gguf_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/model/gguf"
)

// builder writes a GGUF file as its specification has it.
type builder struct{ bytes.Buffer }

func (b *builder) put(values ...any) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			b.put(uint64(len(s)), []byte(s))
			continue
		}
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
}

// sample has one tensor of each type, and one value of each kind that is kept.
func sample() []byte {
	var b builder
	b.put([]byte("GGUF"), uint32(3), uint64(3), uint64(5))
	b.put("name", uint32(8), "tiny")
	b.put("rate", uint32(6), float32(0.5))
	b.put("tokens", uint32(9), uint32(8), uint64(2), "a", "bc")
	b.put("kinds", uint32(9), uint32(5), uint64(2), int32(1), int32(-3))
	b.put("scores", uint32(9), uint32(6), uint64(2), float32(1), float32(2))
	b.put("plain", uint32(2), uint64(2), uint64(3), uint32(gguf.F32), uint64(0))
	b.put("four", uint32(2), uint64(32), uint64(1), uint32(gguf.Q4_1), uint64(32))
	b.put("eight", uint32(1), uint64(32), uint32(gguf.Q8_0), uint64(64))
	for b.Len()%32 != 0 {
		b.WriteByte(0)
	}
	b.put([]float32{1, 2, 3, 4, 5, 6}, [8]byte{})
	b.put(uint16(0x3800), uint16(0xc000)) // 0.5 and −2
	for i := range 16 {
		b.WriteByte(byte(i | (15-i)<<4))
	}
	b.put([12]byte{})
	b.put(uint16(0x0001)) // the smallest there is
	for i := range 32 {
		b.WriteByte(byte(i - 16))
	}
	return b.Bytes()
}

func TestRead(t *testing.T) {
	data := sample()
	f, err := gguf.Read(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"name": "tiny"}, f.Texts)
	require.Equal(t, map[string][]string{"tokens": {"a", "bc"}}, f.Lists)
	require.Equal(t, map[string][]int64{"kinds": {1, -3}}, f.Numbers)
	require.Len(t, f.Tensors, 3)
	require.Equal(t, []int64{3, 2}, f.Tensors[0].Shape, "the slowest dimension first")

	plain, err := f.Floats(f.Tensors[0])
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2, 3, 4, 5, 6}, plain)

	four, err := f.Floats(f.Tensors[1])
	require.NoError(t, err)
	require.Len(t, four, 32)
	for i := range 16 {
		require.InDelta(t, float64(i)*0.5-2, four[i], 0)
		require.InDelta(t, float64(15-i)*0.5-2, four[16+i], 0)
	}

	eight, err := f.Floats(f.Tensors[2])
	require.NoError(t, err)
	require.InDelta(t, -16*math.Pow(2, -24), eight[0], 0)
	require.InDelta(t, 15*math.Pow(2, -24), eight[31], 0)
}

func TestDamage(t *testing.T) {
	whole := sample()
	edit := func(at int, b byte) []byte {
		out := bytes.Clone(whole)
		out[at] = b
		return out
	}
	shape := bytes.Index(whole, []byte("plain")) + 5
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"another format":  {[]byte("PK\x03\x04 and more"), "read GGUF: no GGUF file"},
		"another version": {edit(4, 2), "read GGUF: version 2, only 3 is known"},
		"too many values": {edit(20, 255), "read GGUF: 3 tensors and 1095216660485 values are too many"},
		"cut in header":   {whole[:40], "read GGUF: cut short, or a string without end"},
		"cut in tensors":  {whole[:len(whole)-20], `read GGUF: tensor "eight" lies outside of the file`},
		"no dimensions":   {edit(shape, 0), `read GGUF: tensor "plain" has 0 dimensions`},
		"unknown values":  {edit(shape+4+16, 2), `read GGUF: tensor "plain": values of ggml's type 2 are not known here`},
		"half a block":    {edit(shape+4+16, 8), `read GGUF: tensor "plain": rows of [3 2] values are no blocks of 32`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gguf.Read(bytes.NewReader(tt.data), int64(len(tt.data)))
			require.EqualError(t, err, tt.want)
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(sample())
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := gguf.Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, tensor := range file.Tensors {
			values, err := file.Floats(tensor)
			require.NoError(t, err)
			n := int64(1)
			for _, d := range tensor.Shape {
				n *= d
			}
			require.Len(t, values, int(n))
		}
	})
}
