package quality

import (
	"bytes"

	"stackbench/internal/safetensors"
)

// parse reads a safetensors file that holds nothing but float32 tensors:
// their values by name, and the file's metadata.
func parse(file []byte) (map[string][]float32, map[string]string, error) {
	r := bytes.NewReader(file)
	header, err := safetensors.Read(r, int64(len(file)))
	if err != nil {
		return nil, nil, err
	}
	tensors := make(map[string][]float32, len(header.Tensors))
	for _, t := range header.Tensors {
		if tensors[t.Name], err = safetensors.Floats(r, t); err != nil {
			return nil, nil, err
		}
	}
	return tensors, header.Metadata, nil
}
