package triton

import (
	"fmt"

	"stackbench/internal/stack"
)

// parts writes the repository of a model of several graphs.
func (f flavour) parts(r stack.Run) (stack.Files, error) {
	graphs := r.Graphs()
	if len(graphs) == 0 {
		return stack.Files{}, fmt.Errorf("%s has no graph in %s", r.Model.Name, r.Computes())
	}
	if f == onTensorRT {
		return stack.Files{}, fmt.Errorf("%s has several parts: of a model of one part only is it known for which shapes TensorRT is to be built", r.Model.Name)
	}
	files := stack.Files{Content: map[string][]byte{}, Links: map[string]string{}}
	for _, g := range graphs {
		if err := f.addGraph(files, r, g); err != nil {
			return stack.Files{}, err
		}
	}
	return files, nil
}

// addGraph puts a graph into the repository as a model of its own.
func (f flavour) addGraph(files stack.Files, r stack.Run, g stack.Graph) error {
	if f == onTensorRT && g.Precision != stack.FP32 {
		return fmt.Errorf("%s in %s: TensorRT is told to compute in fp32 here", r.Model.Name, g.Precision)
	}
	if err := addConfigs(files, f.model(r, g)); err != nil {
		return err
	}
	own := versionOf(servedAs(r.Model, g))
	switch {
	case f == onPython:
		return addCode(files, own, "compute.py")
	case f.plan(r.Model):
		files.Content[own+"/"] = nil // for the plan that Init builds
	default:
		files.Links[own+"/model.onnx"] = g.File
		files.Links[own+"/model.safetensors"] = "model.safetensors" // its weights, found beside the link
	}
	return nil
}

// servedAs is the name under which Triton has a graph: a part's follows the model's.
func servedAs(m stack.Model, g stack.Graph) string {
	if g.Name == stack.Whole {
		return m.Name
	}
	return m.Name + "_" + g.Name
}

// which names a graph to the model in Python, where it is not the one that it
// takes by itself.
func which(g stack.Graph) []pair {
	if g.Name == stack.Whole && g.Precision == stack.FP32 {
		return nil
	}
	return []pair{{"graph", g.Name}, {"precision", string(g.Precision)}}
}
