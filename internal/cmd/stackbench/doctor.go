package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"stackbench/internal/bench"
	"stackbench/internal/boot"
	"stackbench/internal/gpu"
	"stackbench/internal/host"
	"stackbench/internal/usage"
	"stackbench/stacks"
)

// doctor says what this machine can run and, for each thing that it cannot,
// why and what to do. It changes nothing.
func doctor(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flags("doctor", "doctor", stderr)
	device := f.String("device", "auto", "auto, cpu or gpu")
	if err := parseAll(f, args); err != nil {
		return err
	}
	if err := variables(); err != nil {
		return err
	}
	for _, part := range examine(ctx) {
		fmt.Fprintln(stdout, part.line())
	}
	o, err := bench.ParseOptions([]string{"-device=" + *device}, stacks.All())
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintln(stdout)
	states, err := host.Stacks(ctx, o)
	if err != nil {
		return usageError{err}
	}
	for _, s := range states {
		fmt.Fprintln(stdout, stackLine(s))
		if s.Stack.Status != "" {
			fmt.Fprintf(stdout, "%-24s   %s\n", "", s.Stack.Status)
		}
	}
	fmt.Fprintln(stdout, "\nWhat differences this machine can tell, in a minute: go tool stackbench selftest")
	return nil
}

// stackLine says of a stack whether it can run now.
func stackLine(s host.State) string {
	if s.Reason != "" {
		return finding{name: s.Stack.Name, what: s.Reason, cure: s.Cure}.line()
	}
	return finding{name: s.Stack.Name, good: true, what: s.Launcher + " · " + s.Stack.Title}.line()
}

// finding is one thing that was looked at.
type finding struct {
	name string
	good bool
	what string
	cure string
}

func (f finding) line() string {
	if f.good {
		return fmt.Sprintf("%-24s ok   %s", f.name, f.what)
	}
	return strings.TrimRight(fmt.Sprintf("%-24s no   %s\n%-24s      %s", f.name, f.what, "", f.cure), " \n")
}

// examine looks at what stacks need of the machine.
func examine(ctx context.Context) []finding {
	h := boot.Probe(ctx)
	out := []finding{
		{name: "go", good: true, what: strings.TrimPrefix(runtime.Version(), "go")},
		compiler(ctx),
		{name: "docker", good: h.Docker.Version != "", what: h.Docker.Version, cure: h.Docker.Cure},
		{name: "python", good: h.Python.Path != "", what: h.Python.Version, cure: h.Python.Cure},
		graphics(),
		{name: "disk", good: h.Free >= 0, what: fmt.Sprintf("%.0f GB free for the cache", float64(h.Free)/1e9), cure: "set STACKBENCH_CACHE to a folder that can be read"},
	}
	if q := usage.Quota(os.Getpid()); q > 0 {
		out = append(out, finding{name: "CPU quota", good: true, what: fmt.Sprintf("a control group allows %.3g cores' time: that many are used, and a window in which it stops them is invalid", q)})
	}
	if h.Docker.Version == "" {
		out[2].what = h.Docker.Reason
	}
	if h.Python.Path == "" {
		out[3].what = h.Python.Reason
	}
	return out
}

// compiler is needed to build the embedded stack, whose ONNX Runtime is called through C.
func compiler(ctx context.Context) finding {
	out, err := exec.CommandContext(ctx, "go", "env", "CC", "CGO_ENABLED").Output()
	cc, cgo, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err == nil {
		_, err = exec.LookPath(cc)
	}
	if err != nil {
		return finding{name: "C compiler", what: "none found", cure: "install one: apt install gcc libc6-dev, or Xcode's command line tools"}
	}
	if cgo == "0" {
		return finding{name: "C compiler", what: cc + ", but cgo is off", cure: "go env -u CGO_ENABLED, or unset CGO_ENABLED: ONNX Runtime is called through C"}
	}
	return finding{name: "C compiler", good: true, what: cc}
}

func graphics() finding {
	devices, reason := gpu.Open()
	if reason != "" {
		return finding{name: "GPU", what: reason, cure: "CPU only; with an NVIDIA GPU, install its driver and the container toolkit"}
	}
	defer devices.Close()
	return finding{name: "GPU", good: true, what: fmt.Sprintf("%d × %s, driver %s", devices.Count(), devices.Name(), devices.Driver())}
}

// checkLine is the machine in one line, for the head of a run.
func checkLine(ctx context.Context) string {
	var parts []string
	for _, f := range examine(ctx) {
		switch {
		case f.good && f.name == "disk":
			parts = append(parts, strings.TrimSuffix(f.what, " for the cache")+" ok")
		case f.good:
			parts = append(parts, f.name+" "+f.what+" ok")
		default:
			parts = append(parts, f.name+" none ("+f.what+")")
		}
	}
	return strings.Join(parts, " · ")
}
