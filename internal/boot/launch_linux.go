package boot

import (
	"os"
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
	onOwnThread(func() {
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
	})
	return <-started
}

// onOwnThread runs f on a thread that runs nothing else, before or after: it
// ends with f. It is never the main thread, which cannot end and whose cores
// the system shows as the process's.
func onOwnThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if syscall.Gettid() != os.Getpid() {
			f()
			return // still locked: the thread ends
		}
		taken := make(chan struct{})
		onOwnThread(func() { // not here, since this thread is held
			close(taken)
			f()
		})
		<-taken
		runtime.UnlockOSThread()
	}()
}
