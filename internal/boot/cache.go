package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// cacheMark is the file that says that a folder was made to be the cache, so
// that removing what is in it removes nothing of anybody else's.
const cacheMark = ".stackbench-cache"

const cacheWords = "This folder is stackbench's cache. `go tool stackbench clean` removes it.\n"

// cacheFolders are the sub-folders that stackbench makes in its cache.
func cacheFolders() []string {
	return []string{"bin", "downloads", "lock", "logs", "models", "ort", "run", "src", "venv"}
}

// MarkCache makes the cache folder and marks it as such: one that is new, is
// empty, or holds what stackbench alone leaves. A folder that was there for
// something else is used as it is, and never marked.
func MarkCache(dir string) error {
	mark := filepath.Join(dir, cacheMark)
	if _, err := os.Lstat(mark); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the cache folder: %w\nset STACKBENCH_CACHE to a folder that you may write", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the cache folder: %w", err)
	}
	if len(entries) > 0 && !oldCache(dir, entries) {
		return nil
	}
	if err := os.WriteFile(mark, []byte(cacheWords), 0o644); err != nil {
		return fmt.Errorf("mark the cache folder: %w\nset STACKBENCH_CACHE to a folder that you may write", err)
	}
	return nil
}

// logName is of servers' logs and of commands', as they were always named.
var logName = regexp.MustCompile(`^(\d{8}T\d{6}-.+|\d{4}-\d\d-\d\d-\d{6})\.log$`)

// oldCache recognises a cache of before there were marks: nothing but the known
// sub-folders is in it, one of them holds logs of ours, and what is under
// models is a model as this program writes one.
func oldCache(dir string, entries []fs.DirEntry) bool {
	for _, e := range entries {
		if !e.IsDir() || !slices.Contains(cacheFolders(), e.Name()) {
			return false
		}
	}
	models, _ := os.ReadDir(filepath.Join(dir, "models"))
	for _, m := range models {
		if strings.HasPrefix(m.Name(), ".") {
			continue // locks, and what was half made
		}
		if _, err := os.Stat(filepath.Join(dir, "models", m.Name(), "model.json")); err != nil {
			return false
		}
	}
	logs, _ := os.ReadDir(filepath.Join(dir, "logs"))
	return slices.ContainsFunc(logs, func(l fs.DirEntry) bool { return logName.MatchString(l.Name()) })
}

// Cleaned is what RemoveCache did.
type Cleaned struct {
	Bytes   int64
	Old     bool     // it had no mark and was recognised by what is in it
	Left    []string // what is in the folder and is not stackbench's
	Nothing bool     // there was no cache
}

// RemoveCache removes what stackbench made in the cache folder, and the folder
// when nothing else is in it. It refuses a folder without the mark that holds
// anything else, and one that a run is using.
func RemoveCache(dir string) (Cleaned, error) {
	var out Cleaned
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Cleaned{Nothing: true}, nil
	}
	if err != nil {
		return out, fmt.Errorf("read the cache folder: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, cacheMark)); err != nil && len(entries) > 0 {
		if !oldCache(dir, entries) {
			return out, &Failure{
				What: fmt.Sprintf("%s is not removed: it has no mark of stackbench's, and holds what may be somebody else's", dir),
				Cure: "look into it, and remove by hand what stackbench made there: " + strings.Join(cacheFolders(), ", "),
			}
		}
		out.Old = true
	}
	if pid := inUse(dir); pid != 0 {
		return out, &Failure{What: fmt.Sprintf("%s is not removed: process %d is measuring with it", dir, pid), Cure: "wait for it, or end it"}
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.Name() == cacheMark:
		case slices.Contains(cacheFolders(), e.Name()):
			out.Bytes += sizeOf(path)
			if err := os.RemoveAll(path); err != nil {
				return out, fmt.Errorf("remove the cache: %w\nremove it by hand, as the user who owns it", err)
			}
		default:
			out.Left = append(out.Left, e.Name())
		}
	}
	if err := os.Remove(filepath.Join(dir, cacheMark)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("remove the cache: %w", err)
	}
	if len(out.Left) == 0 {
		_ = os.Remove(dir) // a folder that is mounted stays
	}
	return out, nil
}

// inUse is a process of a run that has a server up and is alive; 0 when none is.
func inUse(cache string) int {
	files, _ := filepath.Glob(filepath.Join(runFolder(cache), "*.json"))
	for _, path := range files {
		if l, err := readLeftover(path); err == nil {
			if run, err := parseOwner(l.Owner); err == nil && run.here() && run.alive() {
				return run.pid
			}
		}
	}
	return 0
}

// sizeOf is the sum of the files; what cannot be read counts nothing.
func sizeOf(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
