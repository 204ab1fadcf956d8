package triton

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"stackbench/internal/stack"
	"stackbench/stacks/hub"
)

// generations is how many texts the model in Python generates at once, each
// alone in a thread, as the FastAPI stacks do; more wait in Triton's queue.
const generations = 8

// generating writes the repository of a model that generates text: one model,
// decoupled, whose tensors are those of Triton's vLLM backend. There is no
// ensemble: tokens must come one by one, with their text.
func (f flavour) generating(r stack.Run) (stack.Files, error) {
	if f == onVLLM {
		return engine(r)
	}
	if f != onPython {
		return stack.Files{}, errors.New("on a GPU, Triton generates text in its vLLM backend: measure triton-vllm")
	}
	if r.Batch.Max > 1 {
		return stack.Files{}, errors.New("its model in Python generates each text alone: Triton joins requests, not answers under way")
	}
	text := config{
		Name: r.Model.Name, Backend: "python", Decoupled: true, Version: version, Instances: 1, Kind: "KIND_CPU",
		Inputs: []tensor{{Name: "text_input", Type: "TYPE_STRING", Dims: "1"}, {Name: "sampling_parameters", Type: "TYPE_STRING", Dims: "1", Optional: true}},
		Outputs: []tensor{
			{Name: "text_output", Type: "TYPE_STRING", Dims: "1"}, {Name: "finish_reason", Type: "TYPE_STRING", Dims: "1"},
			{Name: "num_input_tokens", Type: "TYPE_UINT32", Dims: "1"}, {Name: "num_output_tokens", Type: "TYPE_UINT32", Dims: "1"},
		},
		Parameters: []pair{{"folder", folder(r)}, {"threads", strconv.Itoa(r.Threads)}, {"generations", strconv.Itoa(generations)}},
	}
	text.Parameters = append(text.Parameters, which(stack.Graph{Name: stack.Whole, Precision: r.Computes()})...)
	for _, name := range []string{"stream", "exclude_input_in_output", "return_finish_reason", "return_num_input_tokens", "return_num_output_tokens"} {
		text.Inputs = append(text.Inputs, tensor{Name: name, Type: "TYPE_BOOL", Dims: "1", Optional: true})
	}
	page, err := text.render()
	if err != nil {
		return stack.Files{}, err
	}
	files := stack.Files{Content: map[string][]byte{text.Name + "/config.pbtxt": page}}
	return files, addCode(files, versionOf(text.Name), "generate.py")
}

// engineArgs are those of vLLM's engine, as the vllm backend's model.json has them.
type engineArgs struct {
	Model      string  `json:"model"`
	DType      string  `json:"dtype"`
	Seed       int     `json:"seed"`
	Context    int     `json:"max_model_len"`
	Sequences  int     `json:"max_num_seqs"`
	Memory     float64 `json:"gpu_memory_utilization"`
	Prefixes   bool    `json:"enable_prefix_caching"`
	Generation string  `json:"generation_config"`
}

// hubFolder is where the model lies as the hub lays it out: in the folder of the
// version, where Triton looks for no model.
const hubFolder = "hub"

// engine is the repository of the vllm backend, with the flags of the stack
// vllm. The backend itself completes the configuration.
func engine(r stack.Run) (stack.Files, error) {
	model, err := hub.Causal(r.Model)
	if err != nil {
		return stack.Files{}, err
	}
	page, err := config{Name: r.Model.Name, Backend: "vllm", Version: version, Instances: 1, Kind: "KIND_MODEL", Decoupled: true}.render()
	if err != nil {
		return stack.Files{}, err
	}
	own := versionOf(r.Model.Name)
	args, err := json.MarshalIndent(engineArgs{
		Model: fmt.Sprintf("%s/%s/%s", r.Files, own, hubFolder), DType: "float32", Context: hub.Context(r.Model), Sequences: hub.Sequences(r),
		Memory: 0.85, Prefixes: r.Prefix, Generation: "vllm",
	}, "", "  ")
	if err != nil {
		return stack.Files{}, err
	}
	files := stack.Files{
		Content: map[string][]byte{r.Model.Name + "/config.pbtxt": page, own + "/model.json": append(args, '\n')},
		Links:   map[string]string{},
	}
	for name, text := range model.Content {
		files.Content[own+"/"+hubFolder+"/"+name] = text
	}
	for name, to := range model.Links {
		files.Links[own+"/"+hubFolder+"/"+name] = to
	}
	return files, nil
}
