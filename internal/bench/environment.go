package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"stackbench"
	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/fetch"
	"stackbench/internal/gpu"
	"stackbench/internal/model"
	"stackbench/internal/quality"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/tokenizer"
	"stackbench/internal/usage"
	"stackbench/internal/workload"
)

// environment is what all leaves of a group have in common.
type environment struct {
	options  Options
	group    Group
	cache    string
	client   cpuset.Set
	cores    cpuset.Set // of the servers
	shared   string     // what client and server share of the cores; "" when nothing
	quota    float64    // cores' time that a control group allows this process; 0: all
	device   stack.Device
	devices  *gpu.Devices // nil without a GPU, and when measuring on the CPU
	noGPU    string       // why there is none
	models   map[string]*reference
	prepared []string // names of models, in order

	album *workload.Album        // of images; nil until one is needed
	stat  func() ([]byte, error) // the kernel's counters of cores; nil: /proc/stat

	live        *live  // nil: nobody waits for how a window goes
	library     string // ONNX Runtime's file
	libraryNote string // its version, and where it came from
}

// reference is a prepared model with what its answers are held against.
type reference struct {
	served
	detail   string               // where the weights came from
	golden   *quality.Golden      // of these very weights; nil when there are none
	texts    *quality.GoldenTexts // the same of a model that generates text
	ungolden string               // why there are none
	sought   bool                 // whether a stand-in for them was looked for
}

// survey looks at the machine. It changes nothing and fetches nothing.
func survey(o Options, g Group) (*environment, error) {
	e := &environment{options: o, group: g.only(o.Only), device: stack.CPU, models: map[string]*reference{}}
	all, err := cpuset.Usable()
	if err != nil {
		return nil, fmt.Errorf("see which cores may be used: %w", err)
	}
	e.quota = usage.Quota(os.Getpid())
	e.client, e.cores, e.shared = cpuset.Divide(cpuset.Within(cpuset.Physical(all, cpuset.Siblings), e.quota))
	e.cache, err = boot.DefaultCache()
	if err != nil {
		return nil, err
	}
	if o.Device == "cpu" {
		return e, nil
	}
	e.devices, e.noGPU = gpu.Open()
	if e.noGPU != "" {
		e.devices = nil
		if o.Device == "gpu" {
			return nil, fmt.Errorf("no GPU: %s\nmeasure on the CPU with -device=cpu, or install the NVIDIA driver", e.noGPU)
		}
		return e, nil
	}
	e.device = stack.GPU
	return e, nil
}

// spec is how a stack is started with a model.
func (e *environment) spec(s stack.Stack, m stack.Model) boot.Spec {
	return boot.Spec{
		Stack: s, Cores: e.cores, Launcher: e.options.Launcher, Cache: e.cache,
		Run: stack.Run{
			Models: filepath.Join(e.cache, "models"), Model: m, Device: e.device,
			Threads: max(1, int(e.limited(e.cores))), Library: e.library,
		},
	}
}

// limited is how many cores' time can be had of a set.
func (e *environment) limited(cores cpuset.Set) float64 {
	if e.quota > 0 {
		return min(e.quota, float64(len(cores)))
	}
	return float64(len(cores))
}

// refusal says why a stack cannot run here, and what to do; "" when it can.
func (e *environment) refusal(ctx context.Context, s stack.Stack) (string, error) {
	not, err := e.unavailable(ctx, s)
	if not == nil {
		return "", err
	}
	return not.Reason + ": " + not.Cure, err
}

// unavailable says why a stack cannot run here; nil when it can.
func (e *environment) unavailable(ctx context.Context, s stack.Stack) (*boot.Unavailable, error) {
	if e.device == stack.GPU && !onGPU(s) {
		return &boot.Unavailable{Reason: "it has no GPU build", Cure: "measure it with -device=cpu"}, nil
	}
	_, err := boot.Resolve(ctx, e.spec(s, stack.Model{}))
	var not *boot.Unavailable
	if errors.As(err, &not) {
		return not, nil
	}
	return nil, err
}

func onGPU(s stack.Stack) bool {
	if s.Container == nil {
		return false
	}
	_, ok := s.Container.Images[stack.GPU]
	return ok
}

// prepare makes a model ready and reads what its answers are held against.
func (e *environment) prepare(ctx context.Context, name string, progress fetch.Progress) (*reference, error) {
	if r, ok := e.models[name]; ok {
		return r, nil
	}
	source, err := model.ParseWeights(e.options.Weights)
	if err != nil {
		return nil, err
	}
	m, err := model.Open(e.cache).Prepare(ctx, name, source, progress)
	if err != nil {
		return nil, err
	}
	r := &reference{served: served{Model: m.Model, Source: string(m.Weights.Source), SHA256: m.Weights.SHA256}}
	g, ok := m.Graph(stack.Whole, stack.FP32)
	if !ok || len(g.Outputs) == 0 {
		return nil, fmt.Errorf("prepare %s: it has no graph %q in %s, whose answers could be checked\ngive the group a model of one part", name, stack.Whole, stack.FP32)
	}
	shape := g.Outputs[0].Shape
	r.Width = int(shape[len(shape)-1])
	if m.Image != nil {
		for c := range 3 {
			r.Norm.Mean[c], r.Norm.Std[c] = float32(m.Image.Mean[c]), float32(m.Image.Std[c])
		}
	}
	if err := r.committed(); err != nil {
		return nil, err
	}
	if m.Text != nil {
		if r.Tokenizer, err = tokenizer.Open(filepath.Join(m.Dir, model.TokenizerFile), m.Text.MaxTokens); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
	}
	r.detail = m.Weights.Detail
	e.models[name] = r
	e.prepared = append(e.prepared, name)
	return r, nil
}

// judge holds answers against the golden ones of the model.
func (e *environment) judge(m *reference, c Case, s stack.Stack) judge {
	switch {
	case m.texts != nil && s.Floats[e.device] != "":
		return quality.NewTexts(m.texts, quality.NearTie16)
	case m.texts != nil:
		return quality.NewTexts(m.texts, quality.NearTie)
	case m.golden == nil:
		return blank(c, m.ungolden)
	case c.task() == stack.Embeddings:
		return quality.NewEmbeddings(m.golden, s.Floats[e.device])
	}
	return quality.NewLogits(m.golden, c.Input, s.Floats[e.device])
}

// name is the leaf's name on this device.
func (e *environment) name(s stack.Stack, c Case) results.Name {
	n := e.group.name(s, c)
	n.Precision = s.Floats[e.device]
	return n
}

// labels are the right classes of the photographs.
func labels() (map[string][]int, error) { return workload.Labels(stackbench.Testdata()) }
