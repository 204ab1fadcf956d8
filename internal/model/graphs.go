package model

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"stackbench/internal/model/onnx"
	"stackbench/internal/safetensors"
	"stackbench/internal/stack"
)

// published are the ONNX skeletons of the catalogue. Their generator lies beside them.
//
//go:embed graphs/*.onnx
var published embed.FS

// skeletons are the models' graphs, their weights still at no place:
// graphs/<model>.onnx of a model's only graph, graphs/<model>.<file> of others.
type skeletons struct{ fs.FS }

func (s skeletons) read(m stack.Model, g stack.Graph) ([]byte, error) {
	name := "graphs/" + m.Name + ".onnx"
	if g.File != GraphFile {
		name = "graphs/" + m.Name + "." + g.File
	}
	data, err := fs.ReadFile(s, name)
	if err != nil {
		return nil, fmt.Errorf("no graph of %s, %s in %s: %w", m.Name, g.Name, g.Precision, err)
	}
	return data, nil
}

// layout is the tensors that a model's graphs want, in the graphs' order, each
// once.
func (s skeletons) layout(m stack.Model) ([]safetensors.Tensor, error) {
	var tensors []safetensors.Tensor
	for _, g := range m.Graphs {
		graph, err := s.read(m, g)
		if err != nil {
			return nil, err
		}
		inits, err := onnx.Externals(graph)
		if err != nil {
			return nil, err
		}
		for _, i := range inits {
			if i.DataType != onnx.Float {
				return nil, fmt.Errorf("graph of %s: tensor %q is not of 32-bit floats", m.Name, i.Name)
			}
			at := slices.IndexFunc(tensors, func(t safetensors.Tensor) bool { return t.Name == i.Name })
			switch {
			case at < 0:
				tensors = append(tensors, safetensors.Tensor{Name: i.Name, DType: "F32", Shape: i.Shape})
			case !slices.Equal(tensors[at].Shape, i.Shape):
				return nil, fmt.Errorf("graphs of %s: tensor %q is %v in one and %v in another", m.Name, i.Name, tensors[at].Shape, i.Shape)
			}
		}
	}
	return tensors, nil
}

// place gives the model's graphs by their files, with each initialiser at its
// place in the weights file, after checking that the file has it, in that type
// and shape.
func (s skeletons) place(m stack.Model, weights string) (map[string][]byte, error) {
	at, err := tensorsOf(weights)
	if err != nil {
		return nil, err
	}
	placed := map[string][]byte{}
	for _, g := range m.Graphs {
		graph, err := s.read(m, g)
		if err != nil {
			return nil, err
		}
		placed[g.File], err = onnx.Patch(graph, func(i onnx.Initializer) (onnx.Place, error) {
			t, ok := at[i.Name]
			if !ok {
				return onnx.Place{}, errors.New("the weights have no such tensor")
			}
			if t.DType != "F32" || i.DataType != onnx.Float || !slices.Equal(t.Shape, i.Shape) {
				return onnx.Place{}, fmt.Errorf("the weights have it as %s %v, not F32 %v", t.DType, t.Shape, i.Shape)
			}
			return onnx.Place{File: WeightsFile, Offset: t.Start, Length: t.Size}, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return placed, nil
}

// tensorsOf are the tensors of a weights file by name.
func tensorsOf(weights string) (map[string]safetensors.Tensor, error) {
	f, err := os.Open(weights)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	header, err := safetensors.Read(f, info.Size())
	if err != nil {
		return nil, err
	}
	at := make(map[string]safetensors.Tensor, len(header.Tensors))
	for _, t := range header.Tensors {
		at[t.Name] = t
	}
	return at, nil
}
