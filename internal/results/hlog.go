package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// HistFolder holds a file a leaf and trial, in HdrHistogram's log format.
const HistFolder = "hlog"

// HistFile is where in the run's folder dir the histograms of a leaf's trial
// are; runs from before there were any have none.
func HistFile(dir, name string, trial int) string {
	return filepath.Join(dir, HistFolder, fmt.Sprintf("%s,trial=%d.hlog", strings.ReplaceAll(name, "/", ","), trial))
}

// Histograms keeps those of a trial, before the trial itself is recorded, so
// that a trial that is there has them. What cannot be written is a *Lost.
func (l *Log) Histograms(name string, trial int, text []byte) error {
	if _, err := ParseName(name); err != nil {
		return fmt.Errorf("keep the histograms of %s: %w", name, err)
	}
	path := HistFile(l.dir, name, trial)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = createFile(path, text)
	}
	if err != nil {
		_ = os.Remove(path) // half of it tells nothing
		return &Lost{What: fmt.Sprintf("the histograms of trial %d of %s", trial, name), Dir: l.dir, Err: err}
	}
	return nil
}
