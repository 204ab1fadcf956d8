package boot

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// watchdog is a sleeping shell that cleans up when this process ends without
// having done so itself, by a panic or SIGKILL for example. It waits at the
// end of a pipe that only this process writes to: the kernel closes it
// whatever the end was. It lives in a session of its own, so that Ctrl-C in the
// terminal does not reach it.
type watchdog struct {
	cmd  *exec.Cmd
	pipe io.WriteCloser
}

// endGroup asks the process group $1 to end and kills it 3 s later.
const endGroup = `kill -TERM -"$1"
i=0; while [ $i -lt 30 ] && kill -0 -"$1"; do sleep 0.1; i=$((i+1)); done
kill -KILL -"$1"`

// removeContainers removes every container that carries the label $1.
const removeContainers = `docker ps -aq --filter label="$1" | while read -r id; do docker rm -f -v "$id"; done`

// watch starts a watchdog that runs the shell script with $1 = arg once this
// process has ended, unless dismiss is called before.
func watch(script, arg string, env ...string) (*watchdog, error) {
	const wait = "trap '' INT TERM HUP\nread -r word && exit 0\n"
	cmd := exec.Command("/bin/sh", "-c", wait+script, "stackbench-watchdog", arg)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	return &watchdog{cmd: cmd, pipe: pipe}, nil
}

// dismiss ends the watchdog without its script being run; of a nil one it does
// nothing.
func (w *watchdog) dismiss() {
	if w == nil {
		return
	}
	_, _ = io.WriteString(w.pipe, "done\n")
	_ = w.pipe.Close()
	_ = w.cmd.Wait()
}
