package results

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/perf/benchfmt"

	"stackbench/internal/unit"
)

// Bench is a file in Go's benchmark format, read.
type Bench struct {
	Names    []string               // of the benchmarks, in order of appearance, without "Benchmark" and, unless Mixed, GOMAXPROCS
	Mixed    bool                   // names end in different numbers, or some in none: each name is whole
	Units    []unit.Name            // in order of appearance
	Samples  map[Series][]float64   // in order of appearance
	Config   map[string][]string    // the values that a configuration key had
	Meta     map[unit.Name]UnitMeta // by unit
	Warnings []string               // lines that were passed over; of many, the first and their number
	passed   int                    // such lines
}

// Series is one metric of one benchmark.
type Series struct {
	Name string
	Unit unit.Name // as written in the file
}

// UnitMeta is what a file says of a unit.
type UnitMeta struct {
	Better    int     // +1 higher, −1 lower, 0 unknown
	Threshold float64 // smallest relative change that counts; 0 when the file states none
}

// LoadBench reads benchmark lines from a run's folder or from a file.
func LoadBench(path string) (*Bench, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("no results in %s: %w\ngive a run's folder under results, or a file of what go test -bench printed", path, err)
	}
	if info.IsDir() {
		path = filepath.Join(path, BenchFile)
	}
	f, err := openRegular(path, mostBench)
	if err != nil {
		return nil, notARun(filepath.Dir(path), err)
	}
	defer f.Close()
	return ReadBench(f, path)
}

// ReadBench reads benchmark lines. Lines of other kinds are ignored, as the
// format asks; a malformed result is a warning; without any result it is an
// error. name is the file's, for messages.
func ReadBench(in io.Reader, name string) (*Bench, error) {
	text, err := readAll(in, name, mostBench)
	if err != nil {
		return nil, fmt.Errorf("read results: %w\ncheck that the file can be read", err)
	}
	b, err := scan(text, name)
	if err != nil {
		return nil, err
	}
	if len(b.Samples) == 0 {
		why, todo := "", "give a run's folder under results, or a file of what go test -bench printed"
		if len(b.Warnings) > 0 {
			why = ": " + b.Warnings[0]
		}
		if len(marked(text)) > 0 {
			todo = "measure again when nothing else runs here: what was invalid is not compared"
		}
		return nil, fmt.Errorf("%s holds no benchmark result%s\n%s", name, why, todo)
	}
	return b, nil
}

// scan reads benchmark lines, of which there may be none.
func scan(text []byte, name string) (*Bench, error) {
	b := &Bench{Samples: map[Series][]float64{}, Config: map[string][]string{}, Meta: map[unit.Name]UnitMeta{}}
	r := benchfmt.NewReader(bytes.NewReader(text), name)
	had := seen{}
	invalid := marked(text)
	var ends endings
	for r.Scan() {
		switch line := r.Result().(type) {
		case *benchfmt.Result:
			ends.add(line.Name.String())
			if _, number := line.Pos(); invalid[number] != "" {
				b.warn(fmt.Sprintf("%s:%d: %s is left out: %s", name, number, TrimProcs(line.Name.String()), invalid[number]))
				continue
			}
			b.add(line, had)
		case *benchfmt.SyntaxError:
			b.warn(line.Error())
		}
	}
	if err := r.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, fmt.Errorf("%s has a line over 64 KiB: it is not in the benchmark format\ngive a run's folder under results, or a file of what go test -bench printed", name)
		}
		return nil, fmt.Errorf("read results: %w\ncheck that the file can be read", err)
	}
	if b.Mixed = ends.mixed; !b.Mixed {
		b.trim()
	}
	if more := b.passed - mostWarnings; more > 0 {
		b.Warnings = append(b.Warnings, fmt.Sprintf("%s: %d more such lines", name, more))
	}
	if len(b.Samples)+len(b.Config) > 0 { // else there is no name to print
		if err := refuseCommands(text, name); err != nil {
			return nil, err
		}
	}
	for _, u := range r.Units() {
		b.Meta[unit.Name(u.OrigUnit)] = meta(r.Units(), u.OrigUnit)
	}
	for _, u := range b.Units { // benchfmt knows the directions of testing's own units itself
		b.Meta[u] = meta(r.Units(), string(u))
	}
	return b, nil
}

// mostWarnings is how many lines that were passed over are told one by one.
const mostWarnings = 20

func (b *Bench) warn(words string) {
	b.passed++
	if b.passed <= mostWarnings {
		b.Warnings = append(b.Warnings, words)
	}
}

// seen are the texts that each list has already: a run has too many names to look
// for each in all of them.
type seen map[[2]string]bool

func (s seen) first(list, text string) bool {
	key := [2]string{list, text}
	if s[key] {
		return false
	}
	s[key] = true
	return true
}

func (b *Bench) add(r *benchfmt.Result, had seen) {
	name := r.Name.String()
	for _, v := range r.Values {
		value, its := v.Value, unit.Name(v.Unit)
		if v.OrigUnit != "" { // as it was before benchfmt made base units of it
			value, its = v.OrigValue, unit.Name(v.OrigUnit)
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			file, line := r.Pos()
			b.warn(fmt.Sprintf("%s:%d: %s is %v", file, line, its, value))
			continue
		}
		if had.first("names", name) {
			b.Names = append(b.Names, name)
		}
		if had.first("units", string(its)) {
			b.Units = append(b.Units, its)
		}
		key := Series{name, its}
		b.Samples[key] = append(b.Samples[key], value)
	}
	for _, c := range r.Config {
		if v := string(c.Value); had.first("config "+c.Key, v) {
			b.Config[c.Key] = append(b.Config[c.Key], v)
		}
	}
}

// trim removes the number of processors that all names end in.
func (b *Bench) trim() {
	samples := make(map[Series][]float64, len(b.Samples))
	for key, values := range b.Samples {
		samples[Series{TrimProcs(key.Name), key.Unit}] = values
	}
	b.Samples = samples
	for i, name := range b.Names {
		b.Names[i] = TrimProcs(name)
	}
}

// endings tell what the numbers are that names end in. Testing says GOMAXPROCS
// so, in all names of a run or, where it is 1, in none: then a number at the end
// is a part of a name. Of one file's names that end in different numbers, nobody
// can tell which is which, and whatever they are, they are not one benchmark.
type endings struct {
	first string
	some  bool
	mixed bool
}

func (e *endings) add(name string) {
	end := procs.FindString(name)
	if !e.some {
		e.first, e.some = end, true
	}
	e.mixed = e.mixed || end != e.first
}

// meta is what the file's unit lines say.
func meta(units benchfmt.UnitMetadataMap, unit string) UnitMeta {
	m := UnitMeta{Better: units.GetBetter(unit)}
	if t := units.Get(unit, "threshold"); t != nil {
		if v, err := strconv.ParseFloat(t.Value, 64); err == nil && v > 0 && v < 1 {
			m.Threshold = v
		}
	}
	return m
}
