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
	"slices"

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
	Options suite.Options
	Cache   string // folder of what was downloaded and built
	Device  stack.Device
	Devices *gpu.Devices // nil without a GPU, and when measuring on the CPU

	Client cpuset.Set
	Cores  cpuset.Set // of the servers
	Shared string     // what client and server share of the cores; "" when nothing
	quota  float64    // cores' time that a control group allows this process; 0: all

	Stat func() ([]byte, error) // the kernel's counters of cores; nil: /proc/stat

	models      []task.Served // that are ready, in order
	library     string        // ONNX Runtime's file
	libraryNote string        // its version, and where it came from
}

// Survey looks at the machine. It changes nothing and fetches nothing.
func Survey(o suite.Options) (*Host, error) {
	if err := suite.CheckProfiles(o, suite.Group{}); err != nil {
		return nil, err
	}
	h := &Host{Options: o, Device: stack.CPU}
	all, err := cpuset.Usable()
	if err != nil {
		return nil, fmt.Errorf("see which cores may be used: %w", err)
	}
	h.quota = usage.Quota(os.Getpid())
	h.Client, h.Cores, h.Shared = cpuset.Divide(cpuset.Within(cpuset.Physical(all, cpuset.Siblings), h.quota))
	h.Cache, err = boot.DefaultCache()
	if err != nil {
		return nil, err
	}
	if o.Start.Device == "cpu" {
		return h, nil
	}
	cards, why := gpu.Open()
	switch {
	case why == "":
		h.Device, h.Devices = stack.GPU, cards
	case o.Start.Device == "gpu":
		return nil, fmt.Errorf("no GPU: %s\nmeasure on the CPU with -device=cpu, or install the NVIDIA driver", why)
	}
	return h, nil
}

// spec is how a stack is started with a model.
func (h *Host) spec(s stack.Stack, m stack.Model) boot.Spec {
	return boot.Spec{
		Stack: s, Cores: h.Cores, Launcher: h.Options.Start.Launcher, Cache: h.Cache,
		Run: stack.Run{
			Models: filepath.Join(h.Cache, "models"), Model: m, Device: h.Device,
			Threads: max(1, int(h.limited(h.Cores))), Library: h.library,
		},
	}
}

// limited is how many cores' time can be had of a set.
func (h *Host) limited(cores cpuset.Set) float64 {
	if h.quota > 0 {
		return min(h.quota, float64(len(cores)))
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
	_, err := boot.Resolve(ctx, h.spec(s, stack.Model{}))
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

// Prepare makes a model ready, once: its weights and tokenizer are in the cache then.
func (h *Host) Prepare(ctx context.Context, name string, progress fetch.Progress) (task.Served, error) {
	if m, ok := h.ready(name); ok {
		return m, nil
	}
	source, err := model.ParseWeights(h.Options.Start.Weights)
	if err != nil {
		return task.Served{}, err
	}
	have, err := model.Open(h.Cache).Prepare(ctx, name, source, progress)
	if err != nil {
		return task.Served{}, err
	}
	w := have.Weights
	m := task.Served{Model: have.Model, Source: string(w.Source), Detail: w.Detail, SHA256: w.SHA256}
	if m.Width, err = task.Width(have.Model); err != nil {
		return task.Served{}, fmt.Errorf("prepare %s: %w", name, err)
	}
	if have.Image != nil {
		for c := range 3 {
			m.Norm.Mean[c], m.Norm.Std[c] = float32(have.Image.Mean[c]), float32(have.Image.Std[c])
		}
	}
	if have.Text != nil {
		if m.Tokenizer, err = tokenizer.Open(filepath.Join(have.Dir, model.TokenizerFile), have.Text.MaxTokens); err != nil {
			return task.Served{}, fmt.Errorf("prepare %s: %w", name, err)
		}
	}
	h.models = append(h.models, m)
	return m, nil
}

// ready finds a model that was made ready before.
func (h *Host) ready(name string) (task.Served, bool) {
	i := slices.IndexFunc(h.models, func(m task.Served) bool { return m.Name == name })
	if i < 0 {
		return task.Served{}, false
	}
	return h.models[i], true
}
