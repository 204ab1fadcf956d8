package results

import (
	"fmt"
	"io"
	"os"
)

// Lost says that a record could not be kept. A run that met one ends: it would
// lose what it measures next, too.
type Lost struct {
	What string // that was to be kept: "trial 2 of Embeddings/…"
	Dir  string // of the run
	Err  error  // names the file
}

func (l *Lost) Error() string {
	return fmt.Sprintf("%s is lost: %v; what was recorded before it is kept in %s\n"+
		"make room on that disk, or make the folder writable, and go on with: go tool stackbench run --resume %s", l.What, l.Err, l.Dir, l.Dir)
}

func (l *Lost) Unwrap() error { return l.Err }

// file is what appendAll needs of one.
type file interface {
	io.WriteSeeker
	Sync() error
	Truncate(size int64) error
}

// appendAll appends the whole text and has it on the disk when it returns. Of
// a text that does not fit nothing stays, so that the next one does not join
// its beginning.
func appendAll(f file, text []byte) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Truncate(end) // where this fails, too, a reader passes over the cut line
	}
	return err
}

// createFile makes the file with its whole text, and has it on the disk when it returns.
func createFile(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// stream is a run's benchmark stream: what is written to it is on the disk, or
// it is lost in words.
type stream struct{ l *Log }

func (s stream) Write(p []byte) (int, error) {
	if err := appendAll(s.l.bench, p); err != nil {
		return 0, &Lost{What: "a line of " + BenchFile, Dir: s.l.dir, Err: err}
	}
	return len(p), nil
}
