// Package turn lets one run measure at a time: two on one machine would each be
// the other's foreign load.
package turn

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// variable names another file than the machine's, as tests do.
const variable = "STACKBENCH_LOCK"

// Holder is who measures.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// Taken is the refusal: somebody else measures.
type Taken struct {
	Holder Holder // zero when it is not known
	Path   string
}

func (t *Taken) Error() string {
	who := "another run"
	if h := t.Holder; h.PID > 0 {
		who = fmt.Sprintf("process %d (%s, since %s)", h.PID, h.Command, h.Since.Local().Format("15:04:05"))
	}
	return fmt.Sprintf("%s measures on this machine, and two runs at a time disturb one another\nwait for its end, or end it (the lock is %s)", who, t.Path)
}

// Take takes the machine's cores for this process until release, or refuses at
// once with *Taken. A process whose parent holds them measures for it, and takes
// nothing.
func Take(command string) (release func(), err error) {
	path, err := file()
	if err != nil {
		return nil, err
	}
	return take(path, Holder{PID: os.Getpid(), Command: command, Since: time.Now().UTC().Truncate(time.Second)}, os.Getppid())
}

// file is the machine's, whoever the user is: in the folder for locks, else in
// that for temporary files.
func file() (string, error) {
	if path := os.Getenv(variable); path != "" {
		return path, nil
	}
	for _, dir := range []string{"/run/lock", "/tmp", os.TempDir()} {
		path := filepath.Join(dir, "stackbench.lock")
		if err := ensure(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no folder for the lock of this machine's cores can be written\nset %s to a file that may be", variable)
}

// ensure makes the file when it is missing, for every user to lock. Linux
// refuses to open another user's file in such a folder with the flag that makes
// one, so an existing one is opened without.
func ensure(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return f.Close()
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o666), f.Close()) // the mask of new files does not count here
}

func take(path string, me Holder, parent int) (release func(), err error) {
	if err := ensure(path); err != nil {
		return nil, fmt.Errorf("lock this machine's cores: %w\nset %s to a file that may be written", err, variable)
	}
	l := flock.New(path, flock.SetFlag(os.O_RDWR))
	locked, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock this machine's cores: %w\nset %s to a file that may be written", err, variable)
	}
	if !locked {
		holder := read(path)
		if holder.PID > 0 && holder.PID == parent {
			return func() {}, nil
		}
		return nil, &Taken{Holder: holder, Path: path}
	}
	text, err := json.Marshal(me)
	if err == nil {
		err = os.WriteFile(path, text, 0o666)
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("lock this machine's cores: %w", err)
	}
	return func() {
		_ = os.Truncate(path, 0)
		_ = l.Close()
	}, nil
}

// read is who holds the lock, as far as the file says.
func read(path string) Holder {
	f, err := os.Open(path)
	if err != nil {
		return Holder{}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return Holder{}
	}
	return parse(b)
}

// parse reads what a holder wrote; nothing of what it cannot have written.
func parse(b []byte) Holder {
	var h Holder
	if json.Unmarshal(b, &h) != nil || h.PID < 1 || len(h.Command) > 200 {
		return Holder{}
	}
	for _, r := range h.Command {
		if r < ' ' || r > '~' {
			return Holder{}
		}
	}
	return h
}
