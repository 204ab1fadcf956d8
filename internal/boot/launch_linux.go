package boot

import (
	"os/exec"
	"runtime"
	"syscall"

	"stackbench/internal/cpuset"
)

// launch starts the command in a process group of its own and returns once it
// runs. waited receives what cmd.Wait says.
//
// The command is forked from a thread that exists for it alone. That thread's
// cores are the command's from its first instruction on, and the kernel kills
// the command when the thread ends, hence when this process ends in any way;
// on a pooled thread it would be killed when the Go runtime retires the thread.
func launch(cmd *exec.Cmd, cores cpuset.Set, waited chan<- error) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		if len(cores) > 0 {
			if err := cpuset.PinThread(cores); err != nil {
				started <- err
				return
			}
		}
		err := cmd.Start()
		started <- err
		if err == nil {
			waited <- cmd.Wait()
		}
	}()
	return <-started
}
