// Package stack holds the types that say what a serving stack is: data only,
// so that a stack is one value in a table. It imports only the standard library.
package stack

import (
	"io/fs"
	"slices"
	"time"
)

// Device is the hardware a stack computes on.
type Device string

const (
	CPU Device = "cpu"
	GPU Device = "gpu"
)

// Task is a kind of work, one a group of benchmarks.
type Task string

const (
	ImageClassification Task = "image-classification"
	Embeddings          Task = "embeddings"
	TextGeneration      Task = "text-generation"
)

// Proto is the transport a reader chooses; the value of the name's proto key.
type Proto string

const (
	REST   Proto = "rest"
	GRPC   Proto = "grpc"        // a call a request; generated text comes as a stream of messages
	Stream Proto = "grpc-stream" // a gRPC stream a connection, a message a request
	SSE    Proto = "sse"         // server-sent events over HTTP: text as it is generated
	WS     Proto = "ws"          // WebSocket: text as it is generated
)

// HTTP says whether it is spoken on the port of REST, and else on that of gRPC.
func (p Proto) HTTP() bool { return p == REST || p == SSE || p == WS }

// Input is the form in which the work is handed over; the value of the name's input key.
type Input string

const (
	JPEG   Input = "jpeg"   // the server decodes and scales
	Tensor Input = "tensor" // the client did, the server only computes
	Text   Input = "text"   // the server tokenises
	IDs    Input = "ids"    // token ids: the client tokenised and padded
)

// Contract is the wire format on a transport.
type Contract string

const (
	OIP        Contract = "oip"        // Open Inference Protocol v2: REST with binary tensors, or gRPC
	Predict    Contract = "predict"    // POST /predict with one raw image as the body
	OpenAI     Contract = "openai"     // POST /v1/embeddings, /v1/completions
	TorchServe Contract = "torchserve" // POST /predictions/MODEL, or InferenceAPIsService over gRPC
	TEI        Contract = "tei"        // POST /embed, or tei.v1.Embed over gRPC
	TGI        Contract = "tgi"        // POST /generate, /generate_stream
	WSGen      Contract = "wsgen"      // this project's own, /v1/generate: docs/wsgen.md
)

// Telemetry says in which form a stack tells of its own work: how it batched,
// who waits, where the time goes. Package telemetry reads each.
type Telemetry string

const (
	Silent            Telemetry = ""           // it tells nothing that could be read
	OwnMetrics        Telemetry = "stackbench" // stackbench_* at /metrics of the REST port: this project's servers
	TritonStatistics  Telemetry = "triton"     // /v2/models/M/stats of the REST port; gauges at /metrics of the metrics port
	TorchServeMetrics Telemetry = "torchserve" // ts_* and the handler's own at /metrics of the metrics port
	TEIMetrics        Telemetry = "tei"        // te_* at /metrics, of the metrics port where there is one
	InfinityState     Telemetry = "infinity"   // /v1/models of the REST port: the queue alone
	VLLMMetrics       Telemetry = "vllm"       // vllm:* at /metrics of the REST port
	TGIMetrics        Telemetry = "tgi"        // tgi_* at /metrics of the REST port
	SGLangMetrics     Telemetry = "sglang"     // sglang:* at /metrics of the REST port
)

// Batcher says which knobs a stack's dynamic batcher has.
type Batcher string

const (
	NoBatcher  Batcher = ""           // one request is one execution
	Greedy     Batcher = "greedy"     // joins what waits, item by item, up to a maximum; never waits for more, and is never off
	Patient    Batcher = "patient"    // up to a maximum, and waits for more up to a delay
	Continuous Batcher = "continuous" // lets requests join and leave at every token, up to a maximum; never waits for more; a maximum of 1 is off, none is its own
)

// Capability is one way in which a stack answers a task.
type Capability struct {
	Task     Task
	Proto    Proto
	Input    Input
	Contract Contract
	MaxBatch int    // largest batch a request of this contract can carry; 0 means no limit
	Only     Device // where it does so on one device alone; "" means on all that the stack has
	Alone    bool   // each request is computed by itself, also where the stack has a batcher
}

// Stack is one serving stack. A value of it, one line in the table of package
// stacks and a folder with the files that build it are all that a stack needs.
type Stack struct {
	Name string // the value of the name's stack key, [a-z0-9._-]+
	About
	Container *Container
	Process   *Process
	Serves    []Capability // first match wins
	Batcher   Batcher
	LeastWait time.Duration     // of the batcher, when it is on; 0: it need not wait
	Unbatched string            // name of the stack that this one is where batching is no part of the question, and is not measured again; "" for none
	Floats    map[Device]string // what it computes in where that is not fp32, as the name's precision key has it: fp16, bf16
	Prefixes  bool              // it can keep what it computed of the beginnings of prompts
	Telemetry Telemetry
	Version   Version
	Ready     Ready
}

// About is what a reader of results must know of a stack.
type About struct {
	Title      string // one line: what it is, and whose build
	Licence    string // SPDX identifier and what a user must know
	Status     string // "" when maintained; else the fact that a reader must know
	Complexity string // what it takes to operate, in one line
}

// On is the stack as it is on a device: without what it does on others only.
func (s Stack) On(d Device) Stack {
	s.Serves = slices.DeleteFunc(slices.Clone(s.Serves), func(c Capability) bool { return c.Only != "" && c.Only != d })
	return s
}

// Find returns the first capability for the task, transport and input that can
// carry a batch of that size, and whether there is one.
func (s Stack) Find(t Task, p Proto, in Input, batch int) (Capability, bool) {
	for _, c := range s.Serves {
		if c.Task == t && c.Proto == p && c.Input == in && (c.MaxBatch == 0 || batch <= c.MaxBatch) {
			return c, true
		}
	}
	return Capability{}, false
}

// Container says how a stack runs in Docker.
type Container struct {
	Images     map[Device]Image
	Args       func(Run) []string // appended to the image's entry point
	Env        func(Run) []string // KEY=value
	Ports      Ports
	ShmBytes   int64
	Writes     []string                 // folders that it writes to beside /tmp, where its image is built here: the rest is read-only
	StartLimit time.Duration            // from start to the first correct reply
	Files      func(Run) (Files, error) // nil: the server reads the model's folder as it is
	Telling    string                   // regular expression of the log lines in which it says why it does not start, and the group in it that says so; "": nowhere
	Init       func(Run) []string       // a command to run to its end in the same image before, such as one that compiles the model into Files; nil: none
}

// Ports are those that a server listens on inside its container; 0 means none.
type Ports struct {
	REST    int
	GRPC    int
	Metrics int // of a Prometheus page apart from REST
}

// Files are what a server wants beside the model's own folder: a model
// repository, an archive, a configuration. They are written for each start and
// mounted at Run.Files. A path that ends in "/" is an empty folder.
type Files struct {
	Content map[string][]byte
	Links   map[string]string // path → file of the served model's folder that is to be found there
}

// Image is a container image: built here when Build is set, pulled otherwise.
type Image struct {
	Ref    string // tag
	Digest string // pinned sha256 of a pulled image; "" when built here
	Bytes  int64  // about what it takes on disk beyond its base, to know before it is fetched or built
	Build  *Build
}

// Build is a Dockerfile with its context. Its ARG BASE is set to Base's
// reference when Base is not nil, else to the base image that the user named.
type Build struct {
	Context    fs.FS
	Shared     fs.FS  // further files of the context, which stacks have in common; nil: none
	Dockerfile string // path in Context
	Base       *Image // built first; nil: the Python base image
}

// Root is the reference of the lowest image of the chain that is built here,
// or of the image itself: images of one root must not be built at once.
func (i Image) Root() string {
	for i.Build != nil && i.Build.Base != nil {
		i = *i.Build.Base
	}
	return i.Ref
}

// Process says how a stack runs without Docker: exactly one of Go and Python is set.
type Process struct {
	Go         string  // import path of a main package
	Python     *Python // a module run by an interpreter that has the requirements
	Args       func(Run) []string
	Env        func(Run) []string
	StartLimit time.Duration
	Needs      Need // "": nothing beyond its program
}

// Python is a module and what it needs.
type Python struct {
	Source       fs.FS    // holds the package named by Module and the requirement files
	Module       string   // run as `python -m Module`
	Requirements []string // files in Source, locked with hashes, each installed by its own pip call
	Imports      []string // modules whose presence makes an interpreter usable as it is
	OnGPU        string   // expression that is true where they compute on an NVIDIA GPU, of requirements that do not; "" where these do
}

// Run is what differs from one start of a stack to the next.
type Run struct {
	Models  string // folder with one sub-folder a model, as the stack sees it
	Files   string // folder of the container's Files, as the stack sees it; "" when there are none
	Model   Model  // to serve
	Device  Device
	Threads int // of computation inside the stack
	Batch   Batching
	Listen  Endpoint // where to listen; "" in it means not at all
	Library string   // ONNX Runtime's shared library, for stacks that load one
	Prefix  bool     // what prompts begin with in common may be computed once, and kept

	Precision Precision // of the graphs to serve, where a stack serves the store's; "" is fp32
}

// Batching sets a stack's own dynamic batcher; the zero value switches it off
// where a stack has such a state, and is the stack's own setting elsewhere.
type Batching struct {
	Max   int // items of an execution, or sequences that are generated at a time
	Delay time.Duration
}

// Endpoint is where a stack listens.
type Endpoint struct {
	REST    string // host:port; "" means none
	GRPC    string // host:port; "" means none
	Metrics string // host:port of a Prometheus page apart from REST; "" means none
}
