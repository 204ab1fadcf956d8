package quality

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// headerLimit bounds what a file's first eight bytes can make us parse.
const headerLimit = 16 << 20

// entry is one tensor of a safetensors header.
type entry struct {
	Datatype string   `json:"dtype"`
	Shape    []uint64 `json:"shape"`
	Offsets  []uint64 `json:"data_offsets"` // begin and end, from the end of the header
}

// parse reads a safetensors file that holds nothing but float32 tensors:
// their values by name, and the file's metadata. It is strict, as the format
// asks: the tensors must cover the data without a gap or an overlap.
func parse(file []byte) (map[string][]float32, map[string]string, error) {
	if len(file) < 8 {
		return nil, nil, errors.New("shorter than a safetensors header")
	}
	size := binary.LittleEndian.Uint64(file)
	if size > headerLimit || size > uint64(len(file)-8) {
		return nil, nil, fmt.Errorf("header of %d bytes in a file of %d", size, len(file))
	}
	var header map[string]json.RawMessage
	if err := json.Unmarshal(file[8:8+size], &header); err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	metadata := map[string]string{}
	entries := map[string]entry{}
	for name, raw := range header {
		var err error
		if name == "__metadata__" {
			err = json.Unmarshal(raw, &metadata)
		} else {
			var e entry
			err = json.Unmarshal(raw, &e)
			entries[name] = e
		}
		if err != nil {
			return nil, nil, fmt.Errorf("header of %q: %w", name, err)
		}
	}
	tensors, err := decode(entries, file[8+size:])
	return tensors, metadata, err
}

// decode reads the tensors in the order of their data.
func decode(entries map[string]entry, data []byte) (map[string][]float32, error) {
	var names []string
	for name, e := range entries {
		if len(e.Offsets) != 2 {
			return nil, fmt.Errorf("tensor %q has %d offsets", name, len(e.Offsets))
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return slices.Compare(entries[a].Offsets, entries[b].Offsets) })
	tensors := make(map[string][]float32, len(names))
	next := uint64(0)
	for _, name := range names {
		e := entries[name]
		begin, end := e.Offsets[0], e.Offsets[1]
		if begin != next || end < begin || end > uint64(len(data)) {
			return nil, fmt.Errorf("tensor %q lies at %d to %d, expected from %d in %d bytes", name, begin, end, next, len(data))
		}
		if err := e.check(end - begin); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		tensors[name] = floats(data[begin:end])
		next = end
	}
	if next != uint64(len(data)) {
		return nil, fmt.Errorf("%d bytes after the last tensor", uint64(len(data))-next)
	}
	return tensors, nil
}

// check that size bytes hold the tensor's shape.
func (e entry) check(size uint64) error {
	if e.Datatype != "F32" {
		return fmt.Errorf("holds %q, not F32", e.Datatype)
	}
	elements := uint64(1)
	for _, d := range e.Shape {
		if d != 0 && elements > size/d { // beyond the data already, or an overflow
			return fmt.Errorf("shape %v does not fit into %d bytes", e.Shape, size)
		}
		elements *= d
	}
	if 4*elements != size {
		return fmt.Errorf("shape %v is %d bytes, has %d", e.Shape, 4*elements, size)
	}
	return nil
}

func floats(data []byte) []float32 {
	values := make([]float32, len(data)/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return values
}
