package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The files of a run's folder.
const (
	BenchFile  = "bench.txt"    // Go's benchmark format
	EnvFile    = "env.json"     // Env
	TrialsFile = "trials.jsonl" // one Trial a line
)

// Log appends to a run's folder. Nothing in it is ever changed, and what was
// appended survives a crash: each trial is one write, synced.
type Log struct {
	dir    string
	trials *os.File
	bench  *os.File
}

var kinds = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// Create makes a folder for a new run under root, named after the time in UTC
// and kind (a profile's name), with env in it.
func Create(root, kind string, now time.Time, env Env) (*Log, error) {
	if !kinds.MatchString(kind) {
		return nil, fmt.Errorf("a run cannot be named %q\nuse lower-case letters, digits and hyphens", kind)
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, cure(err, "make the results folder")
	}
	dir, err := mkdir(filepath.Join(root, now.UTC().Format("2006-01-02-1504")+"-"+kind))
	if err != nil {
		return nil, cure(err, "make the run's folder")
	}
	text, err := json.MarshalIndent(env, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", EnvFile, err)
	}
	if err := fill(dir, append(text, '\n')); err != nil {
		_ = os.RemoveAll(dir) // it was made just now, and a folder without conditions is no run
		return nil, cure(err, "begin the run's folder")
	}
	return OpenLog(dir)
}

// fill puts the files of a new run into its folder.
func fill(dir string, env []byte) error {
	if err := createFile(filepath.Join(dir, EnvFile), env); err != nil {
		return err
	}
	for _, name := range []string{BenchFile, TrialsFile} {
		if err := createFile(filepath.Join(dir, name), nil); err != nil {
			return err
		}
	}
	return nil
}

// mkdir makes the folder, or one with a number after its name when there is one.
func mkdir(path string) (string, error) {
	for i := 1; ; i++ {
		name := path
		if i > 1 {
			name += "-" + strconv.Itoa(i)
		}
		err := os.Mkdir(name, 0o755)
		if err == nil || !errors.Is(err, fs.ErrExist) || i == 100 {
			return name, err
		}
	}
}

// OpenLog opens the folder of a run to append to it. A last line that a crash
// cut off is removed first, so that the next one does not join it.
func OpenLog(dir string) (*Log, error) {
	if _, err := os.Stat(filepath.Join(dir, EnvFile)); err != nil {
		return nil, notARun(dir, err)
	}
	l := &Log{dir: dir}
	var err error
	if l.trials, err = appendTo(filepath.Join(dir, TrialsFile)); err == nil {
		l.bench, err = appendTo(filepath.Join(dir, BenchFile))
	}
	if err == nil {
		_, err = trim(l.trials)
	}
	if err != nil {
		return nil, errors.Join(cure(err, "open the run's files"), l.Close())
	}
	return l, nil
}

func appendTo(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
}

// trim removes what stands after the last line's end, and says whether there
// was something.
func trim(f *os.File) (bool, error) {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<40))
	if err != nil {
		return false, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole == len(text) {
		return false, nil
	}
	return true, f.Truncate(int64(whole))
}

// Dir is the run's folder.
func (l *Log) Dir() string {
	return l.dir
}

// Bench is the run's benchmark stream, to append whole lines to. What cannot be
// written is a *Lost.
func (l *Log) Bench() io.Writer {
	return stream{l}
}

// Append records a trial. It fails, and writes nothing, when the trial cannot
// be true: a name that is none, a value that is not a number; and with a *Lost
// when it cannot be written.
func (l *Log) Append(t Trial) error {
	if err := errors.Join(t.check(), t.known()); err != nil {
		return fmt.Errorf("record trial %d of %s: %w", t.Trial, t.Name, err)
	}
	line, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("record trial %d of %s: %w", t.Trial, t.Name, err)
	}
	if err := appendAll(l.trials, append(line, '\n')); err != nil {
		return &Lost{What: fmt.Sprintf("trial %d of %s", t.Trial, t.Name), Dir: l.dir, Err: err}
	}
	return nil
}

// Repair makes the benchmark stream agree with the trials after a crash, which
// may have cut its last line or come between the two files: the trials are
// what counts. It says what it did, one line each. Call it before a run is
// resumed, while nothing else writes to the folder.
func (l *Log) Repair() ([]string, error) {
	cut, err := trim(l.bench)
	if err != nil {
		return nil, cure(err, "repair "+BenchFile)
	}
	var notes []string
	if cut {
		notes = append(notes, BenchFile+": removed a line that was cut off")
	}
	run, err := Open(l.dir)
	if err != nil {
		return notes, err
	}
	have, end, err := l.lines()
	if err != nil {
		return notes, err
	}
	for _, t := range run.Trials {
		line := t.BenchLine()
		switch {
		case line == "":
		case have[t.Name] > 0:
			have[t.Name]--
		default:
			name, rest, _ := strings.Cut(line, " ")
			if err := appendAll(l.bench, []byte(t.marked(name+end+" "+rest)+"\n")); err != nil {
				return notes, cure(err, "repair "+BenchFile)
			}
			notes = append(notes, fmt.Sprintf("%s: added trial %d of %s", BenchFile, t.Trial, t.Name))
		}
	}
	return notes, nil
}

// lines counts the result lines of the stream by benchmark. end is what their
// names end in to say GOMAXPROCS, as that of a line that is added must.
func (l *Log) lines() (have map[string]int, end string, err error) {
	text, err := os.ReadFile(l.bench.Name())
	if err != nil {
		return nil, "", cure(err, "read "+BenchFile)
	}
	have = map[string]int{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && strings.HasPrefix(fields[0], "Benchmark") {
			have[TrimProcs(strings.TrimPrefix(fields[0], "Benchmark"))]++
			end = procs.FindString(fields[0])
		}
	}
	return have, end, nil
}

// Close closes the files. It may be called again.
func (l *Log) Close() error {
	var err error
	for _, f := range []*os.File{l.trials, l.bench} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	l.trials, l.bench = nil, nil
	return err
}

// cure adds what to do to an error of the file system.
func cure(err error, doing string) error {
	todo := "check that the folder may be written to and that the disk has room"
	if errors.Is(err, fs.ErrPermission) {
		todo = "make the folder writable, or name another one"
	}
	return fmt.Errorf("%s: %w\n%s", doing, err, todo)
}

func notARun(dir string, err error) error {
	return fmt.Errorf("%s is not the folder of a run: %w\ngive one of the folders under results", dir, err)
}
