package boot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/moby/api/types/container"
)

// Unavailable says that this machine cannot run the stack in the way asked
// for, which is a reason to skip it and not a failure of the stack.
type Unavailable struct {
	Reason string // one line: what is missing
	Cure   string // one line: what to install or set
	Err    error  // what was seen; may be nil
}

// Error is the reason and, on a second line, the cure.
func (e *Unavailable) Error() string { return e.Reason + "\n" + e.Cure }

func (e *Unavailable) Unwrap() error { return e.Err }

// Failure is something that should have worked: an image that does not build,
// a server that does not start or that ended.
type Failure struct {
	What    string // one line: what went wrong and with what
	Cure    string // one line: what to do
	Log     string // the server's or the builder's last lines; may be empty
	LogFile string // where all of them are; may be empty
	Err     error  // what was seen; may be nil
}

// Error is what went wrong, on a second line what to do, and then the last
// lines of the log.
func (e *Failure) Error() string {
	var b strings.Builder
	b.WriteString(e.What + "\n" + e.Cure)
	if e.LogFile != "" {
		fmt.Fprintf(&b, " (log: %s)", e.LogFile)
	}
	if e.Log != "" {
		for line := range strings.SplitSeq(strings.TrimRight(e.Log, "\n"), "\n") {
			b.WriteString("\n  | " + line)
		}
	}
	return b.String()
}

func (e *Failure) Unwrap() error { return e.Err }

// firstLine cuts a message for use inside one line of ours.
func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	const most = 300
	if len(s) > most {
		s = s[:most] + "…"
	}
	return s
}

// lastLines is the end of a log, at most n lines.
func lastLines(log string, n int) string {
	log = strings.TrimRight(log, "\n")
	from := len(log)
	for range n {
		i := strings.LastIndexByte(log[:from], '\n')
		if i < 0 {
			return log
		}
		from = i
	}
	return log[from+1:]
}

// errNoRegistry is of an image that could not even be asked for.
var errNoRegistry = errors.New("no image registry is reachable")

// imageFailure says what went wrong with an image and what to do.
func imageFailure(verb, ref, log string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s image %s: %w", verb, ref, err)
	}
	f := &Failure{
		What: fmt.Sprintf("%s image %s: %s", verb, ref, firstLine(err.Error())),
		Cure: "read the lines below and the stack's Dockerfile",
		Log:  lastLines(log, 12),
		Err:  err,
	}
	text := strings.ToLower(err.Error())
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case has("no space left on device"):
		f.Cure = cureFor(text, "")
	case verb == "build":
		f.Cure = cureFor(text+"\n"+log, f.Cure)
	case has("verification failed for digest"), has("does not match digest"), has("unexpected digest"):
		f.Cure = "the registry serves another image under that digest: check the pin, and whether a mirror stands in between"
	case has("denied"), has("unauthorized"):
		f.Cure = "log in to its registry (docker login), or check its name"
	case has("manifest unknown"), has("not found"), has("does not exist"), has("invalid reference"):
		f.Cure = "check the image's name and tag: the registry does not have it"
	default:
		f.Err = errors.Join(errNoRegistry, err)
		f.Cure = "no image registry is reachable: connect, load the image (docker load), or make a base image here (make images) and name it in STACKBENCH_BASE_IMAGE"
	}
	return f
}

// containerFailure turns the daemon's words about a start into ours.
func containerFailure(name, ref string, err error) error {
	text := err.Error()
	has := func(part string) bool { return strings.Contains(text, part) }
	f := &Failure{What: fmt.Sprintf("start %s: %s", name, firstLine(text)), Cure: "read the daemon's words above", Err: err}
	switch {
	case has("could not select device driver"), has("nvidia-container-cli"), has("unresolvable CDI devices"):
		return noGPU(err)
	case has("executable file not found"), has("no such file or directory") && has("exec"), has("no command specified"), has("No command specified"):
		f.What = fmt.Sprintf("start %s: image %s does not have the program to run: %s", name, ref, firstLine(rootCause(err)))
		f.Cure = "check that it is the right image, and its entry point and the stack's arguments"
	case has("port is already allocated"), has("address already in use"):
		f.Cure = "another program took the port: start it again"
	case has("Requested CPUs are not available"):
		f.Cure = "the daemon has other cores than this process: pin to ones that it has"
	case has("reaper"):
		f.Cure = "testcontainers' clean-up container does not start: set " + envRyukDisabled + "=true"
	case has("no space left on device"):
		f.Cure = cureFor(text, "")
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("start %s: %w", name, err)
	}
	return f
}

func howContainerEnded(st container.State, limit int64) (what, cure string) {
	switch {
	case st.OOMKilled && limit > 0:
		return fmt.Sprintf("ran out of memory and was killed: its limit is %d MB", limit/1e6),
			"raise the limit, or give it less to do: a smaller model, batch or number of threads"
	case st.OOMKilled, st.ExitCode == 137:
		return "was killed (signal 9), as the kernel does when memory runs out",
			"give the machine more memory or the server less to do: a smaller model, batch or number of threads"
	case st.ExitCode == 126, st.ExitCode == 127:
		return fmt.Sprintf("exited with code %d: its entry point cannot be run", st.ExitCode),
			"check that it is the right image, and its entry point and the stack's arguments"
	}
	return fmt.Sprintf("exited with code %d", st.ExitCode),
		"read its last lines below, and start the image by hand with the same arguments if they do not tell"
}
