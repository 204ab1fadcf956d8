//go:build !linux

package boot

import (
	"os/exec"
	"syscall"

	"stackbench/internal/cpuset"
)

// launch starts the command in a process group of its own and returns once it
// runs. waited receives what cmd.Wait says. Cores are pinned on Linux only.
func launch(cmd *exec.Cmd, _ cpuset.Set, waited chan<- error) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { waited <- cmd.Wait() }()
	return nil
}
