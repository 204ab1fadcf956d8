package host

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"stackbench/internal/boot"
	"stackbench/internal/results"
)

// harness is the version of what measures. It changes when a number would: what is
// measured, or how.
const harness = "0.3"

// Describe is what this machine's numbers are true for. The weights are of the
// models prepared so far.
func (h *Host) Describe(ctx context.Context) results.Env {
	commit, modified := checkout()
	out := results.Env{
		Started: time.Now().UTC().Truncate(time.Second),
		Harness: results.Harness{Version: harness, Commit: commit, Modified: modified, Go: runtime.Version()},
		Machine: results.Machine{
			CPU: procField("/proc/cpuinfo", "model name"), Cores: len(h.Client) + len(h.Cores), Quota: h.quota, MemoryMB: memoryMB(),
			OS: runtime.GOOS, Arch: runtime.GOARCH, Kernel: kernel(), Docker: boot.Probe(ctx).Docker.Version,
			ClientCores: h.Client.String(), ServerCores: h.Cores.String(),
		},
		Device: string(h.Device),
		Plan:   results.Plan{Profile: h.Options.Profile.String(), Window: h.Options.Length().String()},
	}
	if modified {
		out.Harness.Changes = changes()
	}
	if h.Client.String() == h.Cores.String() {
		out.Machine.Cores = len(h.Cores)
	}
	if h.Devices != nil {
		out.Driver = h.Devices.Driver()
		for _, c := range h.Devices.Cards() {
			out.GPUs = append(out.GPUs, results.GPU{Name: c.Name, MemoryMB: c.MemoryMB})
		}
	}
	for _, m := range h.models {
		out.Models = append(out.Models, results.Weights{Model: m.Name, Source: m.Source, SHA256: m.SHA256, Detail: m.Detail})
	}
	return out
}

// checkout gives the commit of the sources, "" outside a checkout, and whether
// the files differ from it.
func checkout() (commit string, modified bool) {
	out, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "", false
	}
	changes, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no").Output()
	return strings.TrimSpace(string(out)), err != nil || len(changes) > 0
}

func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func memoryMB() int {
	kib, err := strconv.Atoi(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB"))
	if err != nil {
		return 0
	}
	return kib * 1024 / 1_000_000
}

// procField is the value of the first "name : value" line of a file; "" where
// there is no such file or line.
func procField(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
