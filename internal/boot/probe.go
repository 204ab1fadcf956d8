package boot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Host is what this machine offers the launchers.
type Host struct {
	Docker Docker
	Python Interpreter
	Cache  string // folder of environments, binaries and logs
	Free   int64  // bytes free there; -1 when not known
}

// Docker is the daemon, or why there is none.
type Docker struct {
	Version  string // "" when none answers
	Storage  string // storage driver
	Runtimes []string
	Daemon   string // its address
	Local    bool   // on this machine: models are mounted, not copied
	GPU      bool   // containers can have NVIDIA GPUs
	NoGPU    string // why not
	Ryuk     string // why testcontainers' clean-up container is not used; "" when it is
	Base     string // the base image of STACKBENCH_BASE_IMAGE or made here; "" means the Dockerfiles' public ones
	Reason   string // why no daemon can be used; "" when one can
	Cure     string // of Reason
}

// Interpreter is the Python that environments are made with, or why none is.
type Interpreter struct {
	Path, Version string
	Reason, Cure  string
}

// Probe looks at this machine and changes nothing on it.
func Probe(ctx context.Context) Host {
	h := Host{Docker: probeDocker(ctx), Free: -1}
	py, err := interpreter(ctx, "a Python stack", os.Getenv("STACKBENCH_PYTHON"))
	if err != nil {
		h.Python.Reason, h.Python.Cure = words(err)
	} else if !py.makesEnvironments(ctx) {
		h.Python.Reason, h.Python.Cure = "Python "+firstWord(py.version)+" at "+py.path+" has no venv or no ensurepip", cureVenv
	} else {
		h.Python.Path, h.Python.Version = py.path, firstWord(py.version)
	}
	if dir, err := DefaultCache(); err == nil {
		h.Cache, h.Free = dir, free(dir)
	}
	return h
}

func probeDocker(ctx context.Context) Docker {
	e, err := connect(ctx, false)
	if err != nil {
		d := Docker{}
		d.Reason, d.Cure = words(err)
		return d
	}
	d := Docker{
		Version: e.info.ServerVersion, Storage: e.info.Driver, Daemon: e.daemon,
		Local: e.place.local, Ryuk: e.ryuk, GPU: gpuRequest(e.info) != nil,
		Base: os.Getenv("STACKBENCH_BASE_IMAGE"),
	}
	for name := range e.info.Runtimes {
		d.Runtimes = append(d.Runtimes, name)
	}
	slices.Sort(d.Runtimes)
	if !d.GPU {
		d.NoGPU, _ = words(noGPU(nil))
	}
	if _, _, err := e.inspect(ctx, localBase); d.Base == "" && err == nil {
		d.Base = localBase
	}
	return d
}

// words splits an error of this package into its two lines.
func words(err error) (reason, cure string) {
	var u *Unavailable
	var f *Failure
	switch {
	case errors.As(err, &u):
		return u.Reason, u.Cure
	case errors.As(err, &f):
		return f.What, f.Cure
	}
	return firstLine(err.Error()), ""
}

func firstWord(s string) string {
	var w string
	_, _ = fmt.Sscan(s, &w)
	return w
}

// free is the space left where dir is or will be, in bytes; -1 when not known.
func free(dir string) int64 {
	for {
		var st syscall.Statfs_t
		if err := syscall.Statfs(dir, &st); err == nil {
			return int64(st.Bavail) * int64(st.Bsize)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return -1
		}
		dir = up
	}
}
