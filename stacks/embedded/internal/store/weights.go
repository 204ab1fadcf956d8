package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// maxHeader is safetensors' own limit of the header's length.
const maxHeader = 100 << 20

// checkWeights reads a safetensors header and compares the length it implies
// with the file's: a download that was cut off has the right header and too
// little after it, and ONNX Runtime would read past the end.
func checkWeights(r io.ReaderAt, size int64) error {
	var prefix [8]byte
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return fmt.Errorf("no safetensors header: %w", err)
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader || int64(length) > size-8 {
		return fmt.Errorf("a header of %d bytes in a file of %d", length, size)
	}
	raw := make([]byte, length)
	if _, err := r.ReadAt(raw, 8); err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	end, err := dataEnd(raw)
	if err != nil {
		return err
	}
	if want := 8 + int64(length) + end; size != want {
		return fmt.Errorf("the file has %d bytes, but its header describes %d", size, want)
	}
	return nil
}

// dataEnd is the largest end offset of the header's tensors.
func dataEnd(header []byte) (int64, error) {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(header, &entries); err != nil {
		return 0, fmt.Errorf("parse the header: %w", err)
	}
	end := int64(0)
	for name, raw := range entries {
		if name == "__metadata__" {
			continue
		}
		var e struct {
			Offsets [2]int64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			return 0, fmt.Errorf("parse the header: tensor %s: %w", name, err)
		}
		if e.Offsets[0] < 0 || e.Offsets[1] < e.Offsets[0] {
			return 0, fmt.Errorf("tensor %s has the offsets %v", name, e.Offsets)
		}
		end = max(end, e.Offsets[1])
	}
	return end, nil
}
