package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"stackbench/internal/boot"
	"stackbench/internal/cpuset"
	"stackbench/internal/fetch"
	"stackbench/internal/gpu"
	"stackbench/internal/model"
	"stackbench/internal/stack"
	"stackbench/internal/tokenizer"
	"stackbench/internal/usage"
)

// environment is the machine, and what is ready on it.
type environment struct {
	options  Options
	cache    string
	client   cpuset.Set
	cores    cpuset.Set // of the servers
	shared   string     // what client and server share of the cores; "" when nothing
	quota    float64    // cores' time that a control group allows this process; 0: all
	device   stack.Device
	devices  *gpu.Devices // nil without a GPU, and when measuring on the CPU
	noGPU    string       // why there is none
	models   map[string]*prepared
	prepared []string // names of models, in order

	stat func() ([]byte, error) // the kernel's counters of cores; nil: /proc/stat

	library     string // ONNX Runtime's file
	libraryNote string // its version, and where it came from
}

// prepared is a model that can be served.
type prepared struct {
	served
	detail string // where the weights came from
}

// survey looks at the machine. It changes nothing and fetches nothing.
func survey(o Options) (*environment, error) {
	if err := checkProfiles(o, Group{}); err != nil {
		return nil, err
	}
	e := &environment{options: o, device: stack.CPU, models: map[string]*prepared{}}
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

// prepare makes a model ready.
func (e *environment) prepare(ctx context.Context, name string, progress fetch.Progress) (*prepared, error) {
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
	r := &prepared{served: served{Model: m.Model, Source: string(m.Weights.Source), SHA256: m.Weights.SHA256}}
	if r.Width, err = width(m.Model); err != nil {
		return nil, fmt.Errorf("prepare %s: %w", name, err)
	}
	if m.Image != nil {
		for c := range 3 {
			r.Norm.Mean[c], r.Norm.Std[c] = float32(m.Image.Mean[c]), float32(m.Image.Std[c])
		}
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
