package results

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"stackbench/internal/unit"
)

// Env is what a run's numbers are true for: env.json. It names no host.
type Env struct {
	Started time.Time `json:"started"`
	Harness Harness   `json:"harness"`
	Machine Machine   `json:"machine"`
	Device  string    `json:"device"` // cpu, gpu
	GPUs    []GPU     `json:"gpus,omitempty"`
	Driver  string    `json:"driver,omitempty"`
	Plan    Plan      `json:"plan"`
	Models  []Weights `json:"models"`
	Skipped []Skip    `json:"skipped,omitempty"`
}

// Harness is the code that measured.
type Harness struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // the work tree was not the commit
	Changes  string `json:"changes,omitempty"`  // a hash of how they differed
	Go       string `json:"go"`
}

// Machine is the hardware and system.
type Machine struct {
	CPU         string  `json:"cpu"`
	Cores       int     `json:"cores"`
	Quota       float64 `json:"cpu_quota,omitempty"` // cores' time that a control group allows; 0: all
	MemoryMB    int     `json:"memory_mb"`
	OS          string  `json:"os"`
	Arch        string  `json:"arch"`
	Kernel      string  `json:"kernel,omitempty"`
	Docker      string  `json:"docker,omitempty"` // version of the engine; "" when there is none
	ClientCores string  `json:"client_cores,omitempty"`
	ServerCores string  `json:"server_cores,omitempty"`
}

// GPU is one accelerator.
type GPU struct {
	Name     string `json:"name"`
	MemoryMB int    `json:"memory_mb"`
}

// Plan is what was asked for: enough to go on with an interrupted run.
type Plan struct {
	Profile string   `json:"profile"`
	Window  string   `json:"window"` // as a person writes it: 30s
	Trials  int      `json:"trials"`
	Seed    uint64   `json:"seed"` // of the order of the stacks
	Groups  []string `json:"groups"`
	Stacks  []string `json:"stacks"`
	Flags   []string `json:"flags,omitempty"` // handed to the benchmark binaries
}

// Weights says which weights a model had, in all stacks alike.
type Weights struct {
	Model  string `json:"model"`
	Source string `json:"source"` // hub, package, seeded
	SHA256 string `json:"sha256"`
	Detail string `json:"detail,omitempty"`
}

// Skip is something that was asked for and could not be run, and why.
type Skip struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// WriteConfig writes the benchmark format's configuration lines, once a stream
// and before any result. All are the same for every stack of a run: one that
// varied would split benchstat's tables.
func (e Env) WriteConfig(w io.Writer) error {
	var weights, gpus []string
	for _, m := range e.Models {
		weights = append(weights, m.Model+"="+m.Source)
	}
	for _, g := range e.GPUs {
		gpus = append(gpus, g.Name)
	}
	commit := e.Harness.Commit
	if commit != "" && e.Harness.Modified {
		commit += "+"
	}
	for _, p := range []pair{
		{"goos", e.Machine.OS}, {"goarch", e.Machine.Arch}, {"cpu", e.Machine.CPU},
		{"cores", number(e.Machine.Cores)}, {"cpu-quota", e.Machine.quota()}, {"client-cores", e.Machine.ClientCores}, {"server-cores", e.Machine.ServerCores},
		{"device", e.Device}, {"gpu", strings.Join(gpus, ", ")}, {"driver", e.Driver},
		{"profile", e.Plan.Profile}, {"weights", strings.Join(weights, " ")},
		{"harness", e.Harness.Version}, {"commit", commit},
	} {
		text := strings.Join(strings.Fields(p.value), " ") // one line, whatever the machine says of itself
		if text == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", p.key, text); err != nil {
			return fmt.Errorf("write configuration lines: %w", err)
		}
	}
	return nil
}

// quota is the cores' time that is allowed; "" when all is.
func (m Machine) quota() string {
	if m.Quota <= 0 {
		return ""
	}
	return strconv.FormatFloat(m.Quota, 'f', -1, 64)
}

// Hardware is the machine in one line: "2 × AMD EPYC, 8 GB, linux/amd64, no GPU".
func (e Env) Hardware() string {
	cores := strconv.Itoa(e.Machine.Cores) + " × " + e.Machine.CPU
	if q := e.Machine.quota(); q != "" {
		cores += " (a quota allows " + q + " cores' time)"
	}
	parts := []string{
		cores,
		unit.Quantity(unit.MemMB, float64(e.Machine.MemoryMB)),
		e.Machine.OS + "/" + e.Machine.Arch,
	}
	for _, g := range e.GPUs {
		parts = append(parts, g.Name)
	}
	if len(e.GPUs) == 0 {
		parts = append(parts, "no GPU")
	}
	return strings.Join(parts, ", ")
}

// pair is one key of a configuration with its value.
type pair struct{ key, value string }

func number(i int) string {
	if i == 0 {
		return ""
	}
	return strconv.Itoa(i)
}
