// Package host knows the machine: its cores and cards, the models made ready on it
// and the servers that run on it. It knows no kind of work: what a right answer
// is, it is told by a function.
package host

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
	"stackbench/internal/suite"
	"stackbench/internal/task"
	"stackbench/internal/tokenizer"
	"stackbench/internal/usage"
)

// Host is the machine, and what is ready on it.
type Host struct {
	Options  suite.Options
	Cache    string
	Client   cpuset.Set
	Cores    cpuset.Set // of the servers
	Shared   string     // what client and server share of the cores; "" when nothing
	Quota    float64    // cores' time that a control group allows this process; 0: all
	Device   stack.Device
	Devices  *gpu.Devices // nil without a GPU, and when measuring on the CPU
	noGPU    string       // why there is none
	Models   map[string]*Prepared
	prepared []string // names of models, in order

	Stat func() ([]byte, error) // the kernel's counters of cores; nil: /proc/stat

	Library     string // ONNX Runtime's file
	libraryNote string // its version, and where it came from
}

// Prepared is a model that can be served.
type Prepared struct {
	task.Served
	detail string // where the weights came from
}

// Survey looks at the machine. It changes nothing and fetches nothing.
func Survey(o suite.Options) (*Host, error) {
	if err := suite.CheckProfiles(o, suite.Group{}); err != nil {
		return nil, err
	}
	h := &Host{Options: o, Device: stack.CPU, Models: map[string]*Prepared{}}
	all, err := cpuset.Usable()
	if err != nil {
		return nil, fmt.Errorf("see which cores may be used: %w", err)
	}
	h.Quota = usage.Quota(os.Getpid())
	h.Client, h.Cores, h.Shared = cpuset.Divide(cpuset.Within(cpuset.Physical(all, cpuset.Siblings), h.Quota))
	h.Cache, err = boot.DefaultCache()
	if err != nil {
		return nil, err
	}
	if o.Device == "cpu" {
		return h, nil
	}
	h.Devices, h.noGPU = gpu.Open()
	if h.noGPU != "" {
		h.Devices = nil
		if o.Device == "gpu" {
			return nil, fmt.Errorf("no GPU: %s\nmeasure on the CPU with -device=cpu, or install the NVIDIA driver", h.noGPU)
		}
		return h, nil
	}
	h.Device = stack.GPU
	return h, nil
}

// Spec is how a stack is started with a model.
func (h *Host) Spec(s stack.Stack, m stack.Model) boot.Spec {
	return boot.Spec{
		Stack: s, Cores: h.Cores, Launcher: h.Options.Launcher, Cache: h.Cache,
		Run: stack.Run{
			Models: filepath.Join(h.Cache, "models"), Model: m, Device: h.Device,
			Threads: max(1, int(h.Limited(h.Cores))), Library: h.Library,
		},
	}
}

// Limited is how many cores' time can be had of a set.
func (h *Host) Limited(cores cpuset.Set) float64 {
	if h.Quota > 0 {
		return min(h.Quota, float64(len(cores)))
	}
	return float64(len(cores))
}

// Refusal says why a stack cannot run here, and what to do; "" when it can.
func (h *Host) Refusal(ctx context.Context, s stack.Stack) (string, error) {
	not, err := h.unavailable(ctx, s)
	if not == nil {
		return "", err
	}
	return not.Reason + ": " + not.Cure, err
}

// unavailable says why a stack cannot run here; nil when it can.
func (h *Host) unavailable(ctx context.Context, s stack.Stack) (*boot.Unavailable, error) {
	if h.Device == stack.GPU && !onGPU(s) {
		return &boot.Unavailable{Reason: "it has no GPU build", Cure: "measure it with -device=cpu"}, nil
	}
	_, err := boot.Resolve(ctx, h.Spec(s, stack.Model{}))
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

// Prepare makes a model ready.
func (h *Host) Prepare(ctx context.Context, name string, progress fetch.Progress) (*Prepared, error) {
	if r, ok := h.Models[name]; ok {
		return r, nil
	}
	source, err := model.ParseWeights(h.Options.Weights)
	if err != nil {
		return nil, err
	}
	m, err := model.Open(h.Cache).Prepare(ctx, name, source, progress)
	if err != nil {
		return nil, err
	}
	r := &Prepared{Served: task.Served{Model: m.Model, Source: string(m.Weights.Source), SHA256: m.Weights.SHA256}}
	if r.Width, err = task.Width(m.Model); err != nil {
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
	h.Models[name] = r
	h.prepared = append(h.prepared, name)
	return r, nil
}
