package fetch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/shirou/gopsutil/v4/disk"
)

// SpaceError says that a disk is too full.
type SpaceError struct {
	Dir  string
	Need int64 // bytes; 0 when it is not known
	Free int64 // bytes
}

func (e *SpaceError) Error() string {
	need := ""
	if e.Need > 0 {
		need = fmt.Sprintf("%s needed, ", size(e.Need))
	}
	return fmt.Sprintf("disk full: %s%s free in %s\nmake room there, or set STACKBENCH_CACHE to a folder on another disk", need, size(e.Free), e.Dir)
}

func size(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// Room fails with a *SpaceError unless dir's disk has need bytes free.
func (g *Getter) Room(dir string, need int64) error {
	free, err := g.free(dir)
	if err != nil {
		return fmt.Errorf("measure free space in %s: %w", dir, err)
	}
	if free < need {
		return &SpaceError{Dir: dir, Need: need, Free: free}
	}
	return nil
}

func (g *Getter) free(dir string) (int64, error) {
	if g.Free != nil {
		return g.Free(dir)
	}
	use, err := disk.Usage(dir)
	if err != nil {
		return 0, err
	}
	return int64(min(use.Free, 1<<62)), nil
}

// Write makes a file whole or not at all: fill writes a temporary neighbour,
// which then takes the name. need is how many bytes it will have, 0 if unknown.
func (g *Getter) Write(path string, need int64, fill func(*os.File) error) error {
	dir := filepath.Dir(path)
	if err := g.Room(dir, need); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = errors.Join(fill(tmp), tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return discard(tmp.Name(), g.full(dir, need, fmt.Errorf("write %s: %w", path, err)))
	}
	return nil
}

// full turns the system's "no space left" into an error that says how much is missing.
func (g *Getter) full(dir string, need int64, err error) error {
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	free, ferr := g.free(dir)
	if ferr != nil {
		return err
	}
	return &SpaceError{Dir: dir, Need: need, Free: free}
}
