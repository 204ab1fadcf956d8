// Package triton is NVIDIA's Triton Inference Server. On a CPU it is the real
// server out of NVIDIA's wheel, which has the python backend only; on a GPU it
// is the official release with its onnxruntime or TensorRT backend.
package triton

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"stackbench/internal/stack"
)

//go:embed *.Dockerfile requirements/*.txt
var source embed.FS

const (
	restPort    = 8000
	grpcPort    = 8001
	metricsPort = 8002

	release = "nvcr.io/nvidia/tritonserver:26.07-py3"
	// entrypoint is the official image's own: it finds the libraries that an
	// older driver needs.
	entrypoint = "/opt/nvidia/nvidia_entrypoint.sh"
	terms      = "BSD-3-Clause; the official image: NVIDIA Triton Deep Learning Container License, which allows use and no stand-alone redistribution"
)

// Stack is Triton with ONNX Runtime: in the python backend on a CPU, in the
// onnxruntime backend on a GPU. library is the package that reads models and
// prepares inputs, the same for all Python stacks.
func Stack(library fs.FS) stack.Stack {
	return stack.Stack{
		Name: "triton",
		About: stack.About{
			Title:      "Triton Inference Server; CPU: 2.51 out of NVIDIA's wheel, python backend with ONNX Runtime; GPU: official 26.07, onnxruntime backend",
			Licence:    terms,
			Complexity: "a model repository with a configuration a model, ensembles for preprocessing, three ports, shared memory; batching and metrics come with it",
		},
		Container: container(func(r stack.Run) flavour {
			if r.Device == stack.GPU {
				return onONNXRuntime
			}
			return onPython
		}, map[stack.Device]stack.Image{
			stack.CPU: {
				Ref: "stackbench/triton:cpu", Bytes: 520_000_000,
				Build: &stack.Build{Context: source, Shared: library, Dockerfile: "cpu.Dockerfile"},
			},
			stack.GPU: gpuImage(library),
		}),
		Serves:    append(serves(), generates(stack.CPU)),
		Batcher:   stack.Patient,
		Telemetry: stack.TritonStatistics,
		Version:   tells(),
	}
}

// TensorRT is Triton with TensorRT, on a GPU only: a plan compiled for that
// very GPU before the server starts, and for texts, whose lengths differ, ONNX
// Runtime with TensorRT as its execution provider.
func TensorRT(library fs.FS) stack.Stack {
	f := func(stack.Run) flavour { return onTensorRT }
	c := container(f, map[stack.Device]stack.Image{stack.GPU: gpuImage(library)})
	c.Init, c.StartLimit = onTensorRT.compile, 10*time.Minute // for texts, the engine is built while it loads
	return stack.Stack{
		Name: "triton-tensorrt",
		About: stack.About{
			Title:      "Triton Inference Server, official 26.07, TensorRT",
			Licence:    terms + "; TensorRT has terms of its own",
			Complexity: "as triton, with a plan to compile anew for every kind of GPU, TensorRT release and batch range",
		},
		Container: c,
		Serves:    serves(),
		Batcher:   stack.Patient,
		Telemetry: stack.TritonStatistics,
		Version:   tells(),
	}
}

// VLLM is Triton with its vllm backend, which generates text on a GPU: vLLM's
// engine behind Triton's protocols.
func VLLM() stack.Stack {
	c := container(func(stack.Run) flavour { return onVLLM }, map[stack.Device]stack.Image{
		stack.GPU: {Ref: "nvcr.io/nvidia/tritonserver:26.07-vllm-python-py3", Bytes: 10_300_000_000},
	})
	c.Args, c.StartLimit, c.ShmBytes = vllmArgs, 10*time.Minute, 2<<30 // it compiles, and captures CUDA's graphs
	return stack.Stack{
		Name: "triton-vllm",
		About: stack.About{
			Title:      "Triton Inference Server, official 26.07, vLLM 0.24 as its backend",
			Licence:    terms + "; vLLM: Apache-2.0",
			Complexity: "as triton, with vLLM's own settings in a file beside the model's; batching is vLLM's, and most of its metrics stay inside",
		},
		Container: c,
		Serves:    []stack.Capability{generates(stack.GPU)},
		Batcher:   stack.Continuous,
		Prefixes:  true,
		Telemetry: stack.TritonStatistics,
		Version:   tells(),
	}
}

// tells is where the server tells its own.
func tells() stack.Version { return stack.Version{Path: "/v2", Text: "{name} {version}"} }

// vllmArgs begin with the command, which the image's entry point runs. The
// backend completes its own configuration: it cannot do without.
func vllmArgs(r stack.Run) []string {
	all := append([]string{"tritonserver"}, args(r)...)
	return slices.DeleteFunc(all, func(a string) bool { return a == noAutoComplete })
}

// generates is generated text, a message a token; on a CPU the model in Python,
// on a GPU the vllm backend.
func generates(on stack.Device) stack.Capability {
	return stack.Capability{Task: stack.TextGeneration, Proto: stack.GRPC, Input: stack.Text, Contract: stack.OIP, Only: on, Alone: on == stack.CPU}
}

func gpuImage(library fs.FS) stack.Image {
	return stack.Image{
		Ref: "stackbench/triton:gpu", Bytes: 60_000_000,
		Build: &stack.Build{
			Context: source, Shared: library, Dockerfile: "gpu.Dockerfile",
			Base: &stack.Image{Ref: release, Bytes: 15_500_000_000},
		},
	}
}

// container is how every flavour runs.
func container(of func(stack.Run) flavour, images map[stack.Device]stack.Image) *stack.Container {
	return &stack.Container{
		Images:     images,
		Args:       args,
		Env:        env,
		Ports:      stack.Ports{REST: restPort, GRPC: grpcPort, Metrics: metricsPort},
		ShmBytes:   512 << 20,
		StartLimit: 3 * time.Minute,
		Telling:    `(Error parsing text-format .+|failed to load '.+' version .+?|Poll failed .+?|failed to load all models)"?$`,
		Files:      func(r stack.Run) (stack.Files, error) { return of(r).repository(r) },
	}
}

// noAutoComplete keeps a configuration as it is written: a model that Triton
// completed by itself would batch unasked.
const noAutoComplete = "--disable-auto-complete-config"

func args(r stack.Run) []string {
	return []string{
		"--model-repository=" + r.Files, noAutoComplete, "--exit-on-error=true",
		"--strict-readiness=true", "--metrics-interval-ms=500", "--log-verbose=0",
	}
}

// env pins the thread pools that libraries size by the machine's cores. On a GPU
// fp32 means fp32, in every stack: TensorRT has no option for it in ONNX Runtime.
func env(r stack.Run) []string {
	all := []string{"OMP_NUM_THREADS=" + strconv.Itoa(r.Threads), "OPENBLAS_NUM_THREADS=1"}
	if r.Device == stack.GPU {
		all = append(all, "NVIDIA_TF32_OVERRIDE=0")
	}
	return all
}

func serves() []stack.Capability {
	var all []stack.Capability
	for _, proto := range []stack.Proto{stack.REST, stack.GRPC, stack.Stream} {
		for _, in := range []stack.Input{stack.JPEG, stack.Tensor} {
			all = append(all, stack.Capability{Task: stack.ImageClassification, Proto: proto, Input: in, Contract: stack.OIP, MaxBatch: largest})
		}
		for _, in := range []stack.Input{stack.Text, stack.IDs} {
			all = append(all, stack.Capability{Task: stack.Embeddings, Proto: proto, Input: in, Contract: stack.OIP, MaxBatch: largest})
		}
	}
	return all
}
