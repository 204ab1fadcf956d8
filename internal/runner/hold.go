package runner

import (
	"fmt"
	"os"
	"os/exec"

	"stackbench/internal/plan"
)

// follower is an observer that also hears how a window goes, from another goroutine.
type follower interface {
	Live(j Job, now plan.Live)
}

func follow(o Observer, j Job) func(plan.Live) {
	f, ok := o.(follower)
	if !ok {
		return func(plan.Live) {}
	}
	return func(now plan.Live) { f.Live(j, now) }
}

// hold gives the command a standard input that ends when this process does, and
// a third descriptor to tell on how its window goes. Call let once it was
// started, or could not be, and nothing more is wanted of it.
func hold(cmd *exec.Cmd, take func(plan.Live)) (let func(), err error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open its input: %w", err)
	}
	ours, its, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open a pipe for how it goes: %w", err)
	}
	cmd.ExtraFiles = []*os.File{its}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		_ = plan.ReadLive(ours, take) // what is no such line is not worth a run
	}()
	return func() {
		_ = in.Close()
		_ = its.Close()
		_ = ours.Close()
		<-heard
	}, nil
}
