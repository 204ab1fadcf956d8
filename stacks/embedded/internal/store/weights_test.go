package store

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func weightsFile(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestCheckWeights(t *testing.T) {
	check := func(file []byte) error { return checkWeights(bytes.NewReader(file), int64(len(file))) }
	header := `{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"b":{"data_offsets":[0,4]}}`
	require.NoError(t, check(weightsFile(header, 12)))
	require.ErrorContains(t, check(weightsFile(header, 11)), "but its header describes")
	require.ErrorContains(t, check(weightsFile(header, 13)), "but its header describes")
	require.ErrorContains(t, check(weightsFile(`{"w":{"data_offsets":[4,0]}}`, 0)), "offsets [4 0]")
	require.ErrorContains(t, check(weightsFile(`{"w":7}`, 0)), "tensor w")
	require.ErrorContains(t, check(weightsFile(`{"w"`, 0)), "parse the header")
	require.ErrorContains(t, check([]byte{255, 255, 255, 255, 255, 255, 255, 255}), "in a file of 8")
}

func FuzzCheckWeights(f *testing.F) {
	f.Add(weightsFile(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	f.Add(weightsFile(`{}`, 0))
	f.Fuzz(func(t *testing.T, file []byte) {
		if checkWeights(bytes.NewReader(file), int64(len(file))) == nil {
			require.GreaterOrEqual(t, len(file), 10)
		}
	})
}
