package triton

import (
	"embed"
	"fmt"
	"strconv"

	"stackbench/internal/stack"
)

//go:embed models/*.py
var models embed.FS

const (
	version = 1
	largest = 32 // items a request may carry
)

// flavour is how the models are computed.
type flavour int

const (
	onPython      flavour = iota // python backend with ONNX Runtime: all that the wheel's server has
	onONNXRuntime                // the official image's onnxruntime backend
	onTensorRT                   // a plan for images, ONNX Runtime on TensorRT for texts
)

// repository writes the model repository of a start: the model under its own
// name, its preprocessing, and the ensemble of both, whose name says what it
// takes: resnet50, resnet50_preprocess, resnet50_jpeg.
func (f flavour) repository(r stack.Run) (stack.Files, error) {
	before, ensemble := f.preprocessing(r), ensembleOf(r)
	files := stack.Files{Content: map[string][]byte{}, Links: map[string]string{}}
	for _, c := range []config{f.model(r), before, ensemble} {
		text, err := c.render()
		if err != nil {
			return stack.Files{}, err
		}
		files.Content[c.Name+"/config.pbtxt"] = text
	}
	files.Content[versionOf(ensemble.Name)+"/"] = nil
	code := map[string]string{versionOf(before.Name): "models/image.py"}
	if r.Model.Text != nil {
		code[versionOf(before.Name)] = "models/text.py"
	}
	own := versionOf(r.Model.Name)
	switch {
	case f == onPython:
		code[own] = "models/compute.py"
	case f.plan(r.Model):
		files.Content[own+"/"] = nil // for the plan that Init builds
	default:
		files.Links[own+"/model.onnx"] = "model.onnx"
		files.Links[own+"/model.safetensors"] = "model.safetensors"
	}
	for folder, file := range code {
		text, err := models.ReadFile(file)
		if err != nil {
			return stack.Files{}, err
		}
		files.Content[folder+"/model.py"] = text
	}
	return files, nil
}

func versionOf(model string) string { return model + "/" + strconv.Itoa(version) }

// plan says whether TensorRT compiles the model before: those whose shapes are fixed.
func (f flavour) plan(m stack.Model) bool { return f == onTensorRT && m.Image != nil }

// model is the configuration of the model itself. It alone batches: the
// ensemble's requests meet in its queue.
func (f flavour) model(r stack.Run) config {
	c := config{
		Name: r.Model.Name, Backend: "python", MaxBatch: largest, Version: version, Kind: "KIND_CPU", Warmup: true,
		Inputs: tensors(r.Model.Inputs, f == onPython), Outputs: tensors(r.Model.Outputs, false),
	}
	if r.Batch.Max > 0 {
		c.MaxBatch, c.Batching = max(r.Batch.Max, 1), &r.Batch
	}
	if r.Device == stack.GPU {
		c.Kind = "KIND_GPU"
	}
	threads := strconv.Itoa(r.Threads)
	switch {
	case f == onPython:
		c.Parameters = []pair{{"folder", folder(r)}, {"threads", threads}}
	case f.plan(r.Model):
		c.Backend = "tensorrt"
	default:
		c.Backend, c.TensorRT = "onnxruntime", f == onTensorRT
		c.Parameters = []pair{{"intra_op_thread_count", threads}, {"inter_op_thread_count", "1"}}
	}
	return c
}

func folder(r stack.Run) string { return r.Models + "/" + r.Model.Name }

// preprocessing is the configuration of what stands before the model.
func (f flavour) preprocessing(r stack.Run) config {
	c := config{
		Name: preprocessName(r.Model), Backend: "python", MaxBatch: largest, Version: version, Kind: "KIND_CPU",
		Inputs: bytesOf(elementOf(r.Model)), Outputs: tensors(r.Model.Inputs, false),
		Parameters: []pair{{"folder", folder(r)}},
	}
	return c
}

func preprocessName(m stack.Model) string { return m.Name + "_preprocess" }

// elementOf names the input that carries what a person would send.
func elementOf(m stack.Model) string {
	if m.Text != nil {
		return "TEXT"
	}
	return "IMAGE"
}

// ensembleOf is the configuration of both in turn.
func ensembleOf(r stack.Run) config {
	in, suffix := elementOf(r.Model), "_jpeg"
	if r.Model.Text != nil {
		suffix = "_text"
	}
	var between, out []pair
	for _, t := range r.Model.Inputs {
		between = append(between, pair{t.Name, t.Name})
	}
	for _, t := range r.Model.Outputs {
		out = append(out, pair{t.Name, t.Name})
	}
	return config{
		Name: r.Model.Name + suffix, Platform: "ensemble", MaxBatch: largest, Version: version,
		Inputs: bytesOf(in), Outputs: tensors(r.Model.Outputs, false),
		Steps: []step{
			{Model: preprocessName(r.Model), Version: version, In: []pair{{in, in}}, Out: between},
			{Model: r.Model.Name, Version: version, In: between, Out: out},
		},
	}
}

// compile is the command that builds TensorRT's plan, in the image that will
// serve it: a plan is good for one kind of GPU and one version only.
func (f flavour) compile(r stack.Run) []string {
	if !f.plan(r.Model) {
		return []string{"true"}
	}
	in := r.Model.Inputs[0]
	shape := func(items int) string {
		s := fmt.Sprintf("%s:%d", in.Name, items)
		for _, n := range in.Shape[1:] {
			s += "x" + strconv.FormatInt(n, 10)
		}
		return s
	}
	most := largest
	if r.Batch.Max > 0 {
		most = r.Batch.Max
	}
	return []string{
		"/usr/src/tensorrt/bin/trtexec",
		"--onnx=" + folder(r) + "/model.onnx",
		"--saveEngine=" + r.Files + "/" + versionOf(r.Model.Name) + "/model.plan",
		"--minShapes=" + shape(1), "--optShapes=" + shape(max(1, most/2)), "--maxShapes=" + shape(most),
		"--noTF32", "--skipInference",
	}
}
