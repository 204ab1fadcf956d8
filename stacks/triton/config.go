package triton

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"

	"stackbench/internal/stack"
)

// config is a model's configuration, as far as it is written here. Its fields
// are those of Triton's ModelConfig.
type config struct {
	Name       string
	Backend    string // python, onnxruntime, tensorrt; "" of an ensemble
	Platform   string // ensemble; "" of a model with a backend
	MaxBatch   int    // items of one execution; the batch's dimension is not in Dims. 0: there is none
	Decoupled  bool   // a request may have any number of responses
	Version    int
	Inputs     []tensor
	Outputs    []tensor
	Instances  int             // that compute at the same time; 0 of an ensemble
	Kind       string          // of the instances: KIND_CPU, KIND_GPU
	Batching   *stack.Batching // nil: each request is an execution
	Parameters []pair          // of the backend
	Accelerate *accelerator    // of ONNX Runtime on a GPU; nil: none
	Warmup     bool            // run once with zeros before it is ready
	Steps      []step          // of an ensemble
}

// accelerator is an execution provider of ONNX Runtime, with its options.
type accelerator struct {
	Name       string // cuda, tensorrt
	Parameters []pair
}

// tensor is an input or output without the batch's dimension.
type tensor struct {
	Name     string
	Type     string // TYPE_FP32
	Dims     string // 3, 224, 224
	Warm     string // the dims of a warm-up: without −1
	Ragged   bool   // requests of different length may be executed together
	Optional bool   // a request may lack it
}

// pair is a key with its value.
type pair struct{ Key, Value string }

// step is one model of an ensemble: which of the ensemble's tensors are its own.
type step struct {
	Model   string
	Version int
	In, Out []pair // the model's name → the ensemble's
}

//go:embed config.pbtxt.tmpl
var configTemplate string

// render writes the configuration as Triton reads it: protobuf's text format.
func (c config) render() ([]byte, error) {
	t, err := template.New("config.pbtxt").Option("missingkey=error").Parse(configTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, c); err != nil {
		return nil, fmt.Errorf("write the configuration of %s: %w", c.Name, err)
	}
	return b.Bytes(), nil
}

// warmTokens is the length of a text that warms a model up.
const warmTokens = 16

// tensors are those of a model's description, whose first dimension is the batch.
func tensors(specs []stack.TensorSpec, ragged bool) []tensor {
	var out []tensor
	for _, s := range specs {
		t := tensor{Name: s.Name, Type: "TYPE_" + s.Datatype}
		var dims, warm []string
		for _, n := range s.Shape[1:] {
			dims = append(dims, strconv.FormatInt(n, 10))
			if n < 0 {
				n, t.Ragged = warmTokens, ragged
			}
			warm = append(warm, strconv.FormatInt(n, 10))
		}
		t.Dims, t.Warm = strings.Join(dims, ", "), strings.Join(warm, ", ")
		out = append(out, t)
	}
	return out
}

// bytesOf is an input whose elements are files or texts.
func bytesOf(name string) []tensor { return []tensor{{Name: name, Type: "TYPE_STRING", Dims: "1"}} }
