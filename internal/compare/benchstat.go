package compare

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

// BenchstatStacks are the arguments with which benchstat puts the stacks of one
// file side by side, its trials pooled.
func BenchstatStacks(file string) []string {
	return []string{
		"-col", "/stack",
		"-row", ".name,/model,/precision,/proto,/input,/tokens,/prefix,/batch@num,/batcher,/load,/conc@num,/rate@num",
		"-ignore", ".file," + ignored + processors,
		file,
	}
}
