package telemetry

import (
	"bytes"
	"errors"
	"strings"

	"github.com/prometheus/common/expfmt"
)

// cleaned is a page without what has no part in its numbers and is not in the
// plain text format: exemplars and fractional timestamps of OpenMetrics, and
// second HELP and TYPE lines, which the joined pages of several workers have.
func cleaned(text []byte) [][]byte {
	seen := map[string]bool{}
	var lines [][]byte
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' {
			lines = append(lines, sample(line))
			continue
		}
		if f := bytes.Fields(line); len(f) > 2 && (string(f[1]) == "HELP" || string(f[1]) == "TYPE") {
			key := string(f[1]) + " " + string(f[2])
			if seen[key] {
				continue
			}
			seen[key] = true
		}
		lines = append(lines, line)
	}
	return lines
}

// sample is a line's name, labels and value.
func sample(line []byte) []byte {
	end, ok := labelsEnd(line)
	if !ok {
		return line
	}
	value := bytes.Fields(line[end:])
	if len(value) == 0 {
		return line
	}
	return append(append(bytes.Clone(line[:end]), ' '), value[0]...)
}

// labelsEnd is where a sample's value begins: behind the name, and the labels if
// it has any; false when there is none.
func labelsEnd(line []byte) (end int, ok bool) {
	end = bytes.IndexAny(line, "{ \t")
	if end < 0 || line[end] != '{' {
		return end, end > 0
	}
	quoted := false
	for i := end; i < len(line); i++ {
		switch {
		case quoted && line[i] == '\\':
			i++
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '}' && !quoted:
			return i + 1, true
		}
	}
	return 0, false
}

// without takes the line that the error is about out, and returns its metric's
// name; false when the error is of no line.
func without(lines [][]byte, err error) (rest [][]byte, name string, ok bool) {
	var at expfmt.ParseError
	if !errors.As(err, &at) || at.Line < 1 || at.Line > len(lines) {
		return lines, "", false
	}
	bad := lines[at.Line-1]
	rest = append(append([][]byte(nil), lines[:at.Line-1]...), lines[at.Line:]...)
	return rest, metricOf(bad), true
}

// metricOf is the name of the metric that a line is of, as families have it.
func metricOf(line []byte) string {
	if f := bytes.Fields(line); len(line) > 0 && line[0] == '#' {
		if len(f) > 2 {
			return string(f[2])
		}
		return ""
	}
	name := string(line)
	if i := strings.IndexAny(name, "{ \t"); i >= 0 {
		name = name[:i]
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, part); ok {
			return base
		}
	}
	return name
}
