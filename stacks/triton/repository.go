package triton

import (
	"embed"
	"fmt"
	"strconv"
	"strings"

	"stackbench/internal/stack"
)

//go:embed models/*.py
var models embed.FS

const (
	version = 1
	largest = 32 // items a request may carry
	// preparers are the most instances of the preprocessing. Each is a process of
	// its own, with 50 to 170 MB.
	preparers = 8
	// padTo is the multiple of tokens that texts are padded to where only equal
	// lengths can be computed together.
	padTo = 32
)

// flavour is how the models are computed.
type flavour int

const (
	onPython      flavour = iota // python backend with ONNX Runtime: all that the wheel's server has
	onONNXRuntime                // the official image's onnxruntime backend
	onTensorRT                   // a plan for images, ONNX Runtime on TensorRT for texts
	onVLLM                       // the official image's vllm backend
)

// repository writes the model repository of a start: the model under its own
// name, its preprocessing, and the ensemble of both, whose name says what it
// takes: resnet50, resnet50_preprocess, resnet50_jpeg. Of a model of several
// parts each is there, and nothing before it: who asks runs them in turn.
func (f flavour) repository(r stack.Run) (stack.Files, error) {
	if r.Model.Decoder != nil {
		return f.generating(r)
	}
	g, whole := r.Graph(stack.Whole)
	if !whole {
		return f.parts(r)
	}
	if (r.Model.Image == nil) == (r.Model.Text == nil) {
		return stack.Files{}, fmt.Errorf("%s takes neither pictures nor texts: there is no preprocessing for it", r.Model.Name)
	}
	before, ensemble := f.preprocessing(r, g), ensembleOf(r, g)
	files := stack.Files{Content: map[string][]byte{}, Links: map[string]string{}}
	if err := addConfigs(files, before, ensemble); err != nil {
		return stack.Files{}, err
	}
	files.Content[versionOf(ensemble.Name)+"/"] = nil // Triton wants the folder, empty
	code := "image.py"
	if r.Model.Text != nil {
		code = "text.py"
	}
	if err := addCode(files, versionOf(before.Name), code); err != nil {
		return stack.Files{}, err
	}
	return files, f.addGraph(files, r, g)
}

func addConfigs(files stack.Files, all ...config) error {
	for _, c := range all {
		text, err := c.render()
		if err != nil {
			return err
		}
		files.Content[c.Name+"/config.pbtxt"] = text
	}
	return nil
}

// addCode puts a model in Python into the folder of its version.
func addCode(files stack.Files, folder, file string) error {
	for name, from := range map[string]string{"model.py": file, "numpy1.py": "numpy1.py"} {
		text, err := models.ReadFile("models/" + from)
		if err != nil {
			return err
		}
		files.Content[folder+"/"+name] = text
	}
	return nil
}

func versionOf(model string) string { return model + "/" + strconv.Itoa(version) }

// plan says whether TensorRT compiles the model before: those whose shapes are fixed.
func (f flavour) plan(m stack.Model) bool { return f == onTensorRT && m.Image != nil }

// most is how many items an execution may have, and so a request: Triton
// refuses a larger one.
func most(r stack.Run) int {
	if r.Batch.Max > 0 {
		return r.Batch.Max
	}
	return largest
}

// model is the configuration of a graph. It alone batches: the ensemble's
// requests meet in its queue.
func (f flavour) model(r stack.Run, g stack.Graph) config {
	padded := f == onPython && g.Name == stack.Whole // of its inputs it is known how
	c := config{
		Name: servedAs(r.Model, g), Backend: "python", MaxBatch: most(r), Version: version,
		Instances: 1, Kind: "KIND_CPU", Warmup: true,
		Inputs: tensors(g.Inputs, padded), Outputs: tensors(g.Outputs, false),
	}
	if r.Batch.Max > 0 {
		c.Batching = &r.Batch
	}
	if r.Device == stack.GPU {
		c.Kind = "KIND_GPU"
	}
	threads := strconv.Itoa(r.Threads)
	switch {
	case f == onPython:
		c.Parameters = append([]pair{{"folder", folder(r)}, {"threads", threads}}, which(g)...)
	case f.plan(r.Model):
		c.Backend = "tensorrt"
	default:
		c.Backend, c.Accelerate = "onnxruntime", f.accelerator(r, g)
		c.Parameters = []pair{{"intra_op_thread_count", threads}, {"inter_op_thread_count", "1"}}
	}
	return c
}

// accelerator is what ONNX Runtime computes with on a GPU. TensorRT is told the
// range of shapes: left to see them, it would build its engine anew, for
// seconds and in the middle of a measurement, whenever one is outside.
func (f flavour) accelerator(r stack.Run, g stack.Graph) *accelerator {
	if f != onTensorRT {
		return &accelerator{"cuda", []pair{{"use_tf32", "0"}}}
	}
	tokens := r.Model.Text.MaxTokens
	return &accelerator{"tensorrt", []pair{
		{"precision_mode", "FP32"},
		{"trt_profile_min_shapes", shapes(g.Inputs, 1, 1)},
		{"trt_profile_opt_shapes", shapes(g.Inputs, max(1, most(r)/2), min(tokens, 64))},
		{"trt_profile_max_shapes", shapes(g.Inputs, most(r), tokens)},
	}}
}

// shapes are inputs as TensorRT's tools want them: name:16x64,name:16x64.
func shapes(inputs []stack.TensorSpec, items, tokens int) string {
	var all []string
	for _, in := range inputs {
		s := fmt.Sprintf("%s:%d", in.Name, items)
		for _, n := range in.Shape[1:] {
			if n < 0 {
				n = int64(tokens)
			}
			s += "x" + strconv.FormatInt(n, 10)
		}
		all = append(all, s)
	}
	return strings.Join(all, ",")
}

func folder(r stack.Run) string { return r.Models + "/" + r.Model.Name }

// preprocessing is the configuration of what stands before the model. It has
// as many instances as there are threads: Python prepares one request at a time.
func (f flavour) preprocessing(r stack.Run, g stack.Graph) config {
	c := config{
		Name: preprocessName(r.Model), Backend: "python", MaxBatch: most(r), Version: version,
		Instances: min(max(r.Threads, 1), preparers), Kind: "KIND_CPU",
		Inputs: bytesOf(elementOf(r.Model)), Outputs: tensors(g.Inputs, false),
		Parameters: []pair{{"folder", folder(r)}},
	}
	if r.Model.Text != nil && f != onPython && r.Batch.Max > 0 {
		// The onnxruntime backend joins requests of one length only. The model
		// in Python pads what it joins by itself.
		c.Parameters = append(c.Parameters, pair{"multiple", strconv.Itoa(padTo)})
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
func ensembleOf(r stack.Run, g stack.Graph) config {
	in, suffix := elementOf(r.Model), "_jpeg"
	if r.Model.Text != nil {
		suffix = "_text"
	}
	var between, out []pair
	for _, t := range g.Inputs {
		between = append(between, pair{t.Name, t.Name})
	}
	for _, t := range g.Outputs {
		out = append(out, pair{t.Name, t.Name})
	}
	return config{
		Name: r.Model.Name + suffix, Platform: "ensemble", MaxBatch: most(r), Version: version,
		Inputs: bytesOf(in), Outputs: tensors(g.Outputs, false),
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
	g, _ := r.Graph(stack.Whole)
	in := g.Inputs
	return []string{
		entrypoint, "/usr/src/tensorrt/bin/trtexec",
		"--onnx=" + folder(r) + "/" + g.File,
		"--saveEngine=" + r.Files + "/" + versionOf(r.Model.Name) + "/model.plan",
		"--minShapes=" + shapes(in, 1, 0), "--optShapes=" + shapes(in, max(1, most(r)/2), 0), "--maxShapes=" + shapes(in, most(r), 0),
		"--noTF32", "--skipInference",
	}
}
