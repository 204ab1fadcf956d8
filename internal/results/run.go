// Package results is a run's folder: what was measured, on what, and the raw
// material behind each number. A folder is appended to and never changed:
// bench.txt in Go's benchmark format, env.json, trials.jsonl.
package results

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"stackbench/internal/unit"
)

// Run is a run's folder, read.
type Run struct {
	Dir      string
	Env      Env
	Trials   []Trial                // as recorded; of one measured twice, the later
	Units    map[unit.Name]UnitMeta // what the unit lines of its benchmark stream say
	Warnings []string               // what was wrong in the folder and could be passed over
}

// Open reads a run's folder. A last line of trials.jsonl that a crash cut off
// is passed over with a warning; any other fault is an error.
func Open(dir string) (*Run, error) {
	r := &Run{Dir: dir}
	text, err := readRegular(filepath.Join(dir, EnvFile), mostEnv)
	if err != nil {
		return nil, notARun(dir, err)
	}
	if err := json.Unmarshal(plain(text), &r.Env); err != nil {
		return nil, damaged(EnvFile, dir, err)
	}
	if r.Env.Plan.Profile == "" && r.Env.Machine.OS == "" { // what the numbers are true for is then not known
		return nil, damaged(EnvFile, dir, errors.New("it names neither a profile nor a machine"))
	}
	trials, err := openRegular(filepath.Join(dir, TrialsFile), mostTrials)
	if err != nil {
		return nil, notARun(dir, err)
	}
	defer trials.Close()
	if err := r.readTrials(trials); err != nil {
		return nil, damaged(TrialsFile, dir, err)
	}
	if err := r.readUnits(); err != nil {
		return nil, err
	}
	return r, nil
}

func damaged(file, dir string, err error) error {
	return fmt.Errorf("%s in %s is damaged: %w\nrestore it from a copy, if it was committed by git checkout %s, or measure again", file, dir, err, dir)
}

// readUnits takes the units from the benchmark stream, which may hold no result yet.
func (r *Run) readUnits() error {
	text, err := readRegular(filepath.Join(r.Dir, BenchFile), mostBench)
	if err != nil {
		return notARun(r.Dir, err)
	}
	b, err := scan(text, BenchFile)
	if err != nil {
		return err
	}
	r.Units = b.Meta
	r.Warnings = append(r.Warnings, b.Warnings...)
	return nil
}

func (r *Run) readTrials(from io.Reader) error {
	at := map[Done]int{}
	in := bufio.NewReaderSize(io.LimitReader(from, mostTrials), 64<<10)
	for n := 1; ; n++ {
		text, ended, err := line(in)
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if !ended && len(text) == 0 {
			return nil
		}
		if !ended {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: line %d was cut off and is left out", TrialsFile, n))
			return nil
		}
		var t Trial
		if err := json.Unmarshal(plain(text), &t); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := t.check(); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		key := Done{t.Name, t.Trial, t.Again}
		if i, again := at[key]; again {
			r.Trials[i] = t
			continue
		}
		at[key] = len(r.Trials)
		r.Trials = append(r.Trials, t)
	}
}

// Done names a leaf that was measured in a trial.
type Done struct {
	Name  string
	Trial int
	Again bool
}

// Done is what a resumed run need not measure again: all but what failed.
func (r *Run) Done() map[Done]bool {
	done := map[Done]bool{}
	for _, t := range r.Trials {
		if t.Error == "" {
			done[Done{t.Name, t.Trial, t.Again}] = true
		}
	}
	return done
}

// Pooled are a raw series of all the trials of a benchmark, such as its response
// times, sorted, in milliseconds, and how many requests failed. A sample can only be pooled
// when every trial kept its times; false when one did not.
func (r *Run) Pooled(name string, raw unit.Series) (ms []float64, failed int, ok bool) {
	ok = true
	for _, t := range r.Trials {
		if t.Name != name || t.Error != "" || t.Again {
			continue
		}
		if len(t.Raw[raw])+t.Failures() != t.Issued {
			ok = false
		}
		failed += t.Failures()
		for _, us := range t.Raw[raw] {
			ms = append(ms, us/1000)
		}
	}
	slices.Sort(ms)
	return ms, failed, ok && len(ms)+failed > 0
}
