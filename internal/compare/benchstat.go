package compare

import (
	"strings"

	"stackbench/internal/axis"
	"stackbench/internal/results"
)

// ignored are the keys that differ between runs of the same thing: benchstat
// would make a table of each value, and compare nothing.
const ignored = "commit,commit-time,harness,pkg"

// processors merges machines that differ only in their number of processors.
const processors = ",/gomaxprocs"

// BenchstatRuns are the arguments with which benchstat compares two files. The
// names in mixed files end in numbers that tell benchmarks apart.
func BenchstatRuns(old, fresh string, mixed bool) []string {
	if mixed {
		return []string{"-ignore", ignored, old, fresh}
	}
	return []string{"-ignore", ignored + processors, old, fresh}
}

// BenchstatStacks are the arguments with which benchstat puts the stacks of a
// run side by side, its trials pooled. file holds the run's benchmark lines.
func BenchstatStacks(file string, run *results.Run) []string {
	var names []axis.Values
	for _, t := range run.Trials {
		if name, err := results.ParseName(t.Name); err == nil {
			names = append(names, name.Values)
		}
	}
	column, row := fields(axis.Names(), names)
	return []string{"-col", strings.Join(column, ","), "-row", strings.Join(row, ","), "-ignore", ".file," + ignored + processors, file}
}

// fields are benchstat's, one an axis: none is left out, or it would pool what
// differs in that. A column axis after the first is one where the names differ in
// it: benchstat would print an empty line for it.
func fields(t axis.Table, names []axis.Values) (column, row []string) {
	row = []string{".name"}
	first := t.At(axis.Column)[0].Key
	for _, a := range t {
		field := "/" + string(a.Key)
		if a.Kind == axis.Number {
			field += "@num"
		}
		if a.Key == first || a.Place == axis.Column && varied(a.Key, names) {
			column = append(column, field)
		} else {
			row = append(row, field)
		}
	}
	return column, row
}
