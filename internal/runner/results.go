package runner

import (
	"fmt"
	"io"
	"strings"
)

// invalid begins the comment that stands before a result that must not be
// believed; package results reads it.
const invalid = "# invalid "

// Results appends the output of many processes to one stream in benchmark
// format: each configuration and unit line is written when it is new or has
// changed, since a repeated one would only be noise, and whatever is not in
// the format is left out.
type Results struct {
	w      io.Writer
	config map[string]string
	units  map[string]bool
}

// NewResults writes to w.
func NewResults(w io.Writer) *Results {
	return &Results{w: w, config: map[string]string{}, units: map[string]bool{}}
}

// Write takes one line without its end.
func (r *Results) Write(line string) error {
	switch {
	case strings.HasPrefix(line, "Unit "):
		if r.units[line] {
			return nil
		}
		r.units[line] = true
	case isConfig(line):
		key, value, _ := strings.Cut(line, ":")
		if old, ok := r.config[key]; ok && old == value {
			return nil
		}
		r.config[key] = value
	default:
		if _, ok := ParseLine(line); !ok && !strings.HasPrefix(line, invalid) {
			return nil
		}
	}
	_, err := fmt.Fprintln(r.w, line)
	return err
}

func benchmarkFormat(line string) bool {
	if _, ok := ParseLine(line); ok {
		return true
	}
	return strings.HasPrefix(line, "Unit ") || isConfig(line) || strings.HasPrefix(line, invalid)
}

// isConfig follows the benchmark format: a key that begins with a lower-case
// letter and has neither white space nor upper case, a colon, then white space
// or the end of the line.
func isConfig(line string) bool {
	key, value, found := strings.Cut(line, ":")
	if !found || key == "" || key[0] < 'a' || key[0] > 'z' {
		return false
	}
	if strings.ToLower(key) != key || strings.ContainsAny(key, " \t") {
		return false
	}
	return value == "" || value[0] == ' ' || value[0] == '\t'
}
