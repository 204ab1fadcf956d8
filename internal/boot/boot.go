// Package boot starts a serving stack, waits until it answers a real request
// correctly, and makes sure that it is gone afterwards. There are three ways to
// have a stack: a container, a child process, and a server that somebody else
// runs (attach), which is never started and never stopped.
//
// Nothing that Start starts outlives this process, whatever its end: Stop, and
// Guard on a signal, end it in order; after a panic or SIGKILL the kernel and a
// watchdog (a sleeping shell per server) or testcontainers' Ryuk do; and what
// even those missed, the next Prepare or Start ends by its labels and files.
package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"stackbench/internal/cpuset"
	"stackbench/internal/stack"
)

// Launchers, as Spec takes them and Server reports them.
const (
	Auto      = "auto"      // attach when a server is named, else a container, else a process
	Container = "container" // in Docker
	Process   = "process"   // a child of this process
	Attach    = "attach"    // a server that STACKBENCH_ATTACH_<STACK> names; reported only
)

// Spec is one start of a stack.
type Spec struct {
	Stack    stack.Stack
	Run      stack.Run  // Models is a folder of this machine; REST and GRPC may be empty: a free port is chosen
	Cores    cpuset.Set // of the server; empty means not pinned
	Launcher string     // Auto, Container or Process; "" means Auto
	Base     string     // base image of images that are built; "" means STACKBENCH_BASE_IMAGE, else a local one, else the Dockerfile's default
	Cache    string     // folder for environments, binaries and logs; "" means DefaultCache
	Memory   int64      // bytes that a container may use; 0 means four fifths of the daemon's machine
	// Ready sends one real request and returns nil when the answer is correct.
	// It is called until it succeeds or the stack's StartLimit has passed.
	Ready func(context.Context, stack.Endpoint) error
}

// startLimit is for a stack that states none.
const startLimit = 2 * time.Minute

// DefaultCache is $STACKBENCH_CACHE, else stackbench in the user's cache folder.
func DefaultCache() (string, error) {
	if dir := os.Getenv("STACKBENCH_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", &Failure{What: "find the cache folder: " + err.Error(), Cure: "set STACKBENCH_CACHE to a folder", Err: err}
	}
	return filepath.Join(dir, "stackbench"), nil
}

// server is what each launcher gives.
type server interface {
	done() <-chan struct{}    // closed when it has ended
	how() (what, cure string) // in what way; ask after done
	log() string              // its last lines
	stop() error              // ends it in order; may be called again
	usage(context.Context) (cpu time.Duration, memory int64, err error)
}

var (
	_ server = (*process)(nil)
	_ server = (*containerServer)(nil)
)

// plan is a Spec with its choices made.
type plan struct {
	Spec
	launcher string
	endpoint stack.Endpoint // attach
	engine   *engine        // container
}

// Resolve says which launcher Start would use. An *Unavailable says why this
// machine can run the stack in none of the ways asked for.
func Resolve(ctx context.Context, s Spec) (launcher string, err error) {
	p, err := resolve(ctx, s, false)
	return p.launcher, err
}

func resolve(ctx context.Context, s Spec, fetch bool) (p plan, err error) {
	if s.Cache == "" {
		if s.Cache, err = DefaultCache(); err != nil {
			return plan{}, err
		}
	}
	p = plan{Spec: s}
	name := s.Stack.Name
	switch s.Launcher {
	case Auto, "", Container, Process:
	default:
		return plan{}, &Failure{What: fmt.Sprintf("start %s: unknown launcher %q", name, s.Launcher), Cure: "use auto, container or process"}
	}
	at, named, err := Attached(name)
	if err != nil {
		return plan{}, err
	}
	if named {
		if err := reachable(s.Stack, at); err != nil {
			return plan{}, err
		}
		p.launcher, p.endpoint = Attach, at
		return p, nil
	}
	var noContainer error
	if s.Launcher != Process {
		if noContainer = p.container(ctx, fetch); noContainer == nil {
			return p, nil
		}
		var skip *Unavailable
		if s.Launcher == Container || !errors.As(noContainer, &skip) {
			return plan{}, noContainer
		}
	}
	if s.Stack.Process == nil {
		if noContainer != nil {
			return plan{}, noContainer
		}
		return plan{}, &Unavailable{Reason: name + " does not run as a process", Cure: "use --launcher container"}
	}
	if err := withoutGPU(ctx, s); err != nil {
		return plan{}, err
	}
	p.launcher = Process
	return p, nil
}

// container chooses the container, or says why it cannot be had.
func (p *plan) container(ctx context.Context, fetch bool) (err error) {
	name := p.Stack.Name
	if p.Stack.Container == nil {
		return &Unavailable{Reason: name + " has no image: it runs as a process", Cure: "use --launcher process or auto"}
	}
	if _, ok := p.Stack.Container.Images[p.device()]; !ok {
		return &Unavailable{Reason: fmt.Sprintf("%s has no image for the device %s", name, p.device()), Cure: p.otherDevice()}
	}
	if p.engine, err = connect(ctx, fetch); err != nil {
		return err
	}
	if _, err = p.engine.gpuRequest(p.Spec); err != nil {
		return err
	}
	p.launcher = Container
	return nil
}

// otherDevice says what a stack without an image for the device runs on.
func (p *plan) otherDevice() string {
	if p.device() == stack.CPU {
		return "it needs an NVIDIA GPU (--device gpu)"
	}
	return "measure it on the CPU (--device cpu)"
}

func (s Spec) device() stack.Device {
	if s.Run.Device == "" {
		return stack.CPU
	}
	return s.Run.Device
}

// Prepare makes everything that Start needs and that takes long: the image
// with its bases, the virtual environment or the binary. What is there for the
// same content is used. Output of the builders goes to progress. It also ends
// what dead runs left behind.
func Prepare(ctx context.Context, s Spec, progress io.Writer) error {
	p, err := resolve(ctx, s, true)
	if err != nil {
		return err
	}
	_, _, err = p.prepare(ctx, progress)
	return err
}

func (p plan) prepare(ctx context.Context, progress io.Writer) (img image, prog program, err error) {
	sweepProcesses(p.Cache)
	switch p.launcher {
	case Container:
		p.engine.sweep(ctx)
		if img, err = p.engine.ensure(ctx, p.image(), p.Base, progress); err != nil {
			err = p.withoutImage(err)
		}
	case Process:
		prog, err = prepareProgram(ctx, p.Spec, progress)
	}
	return img, prog, err
}

// withoutImage makes of a registry that cannot be reached a reason to skip a
// stack whose makers' image it would have given: that is this machine's lack.
// The base of an image that is built here is a failure: everything needs it.
func (p plan) withoutImage(err error) error {
	img := p.image()
	if img.Build != nil || !errors.Is(err, errNoRegistry) {
		return err
	}
	return &Unavailable{
		Reason: fmt.Sprintf("its image %s is not here, and no image registry is reachable", img.Ref),
		Cure:   fmt.Sprintf("connect, load it (docker load), or name one that you have in %s", variable("IMAGE", p.Stack.Name)),
		Err:    err,
	}
}

// Server is a stack that answers.
type Server struct {
	Name     string
	Endpoint stack.Endpoint
	Launcher string
	Image    string        // reference; "" without a container
	Digest   string        // name@sha256 of a pulled image, the image's id of one built here
	ReadyIn  time.Duration // from the start to the first correct reply, without pull and build; 0 when attached
	PID      int           // on this machine: the process, or a container's first one; 0 when it is elsewhere
	Cores    cpuset.Set    // that it was pinned to; nil when it was not
	LogFile  string        // "" when attached; a container's is written when it stops
	Notes    []string      // what a reader of the results should know about the start

	run    server // nil when attached
	forget func() // tells the guard; nil without one
}
