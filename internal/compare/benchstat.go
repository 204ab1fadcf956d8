package compare

// ignored are the keys that differ between runs of the same thing: benchstat
// would make a table of each value, and compare nothing. /gomaxprocs merges
// machines that differ only in their number of processors.
const ignored = "commit,commit-time,harness,pkg,/gomaxprocs"

// BenchstatRuns are the arguments with which benchstat compares two files.
func BenchstatRuns(old, fresh string) []string {
	return []string{"-ignore", ignored, old, fresh}
}

// BenchstatStacks are the arguments with which benchstat puts the stacks of one
// file side by side, its trials pooled.
func BenchstatStacks(file string) []string {
	return []string{
		"-col", "/stack",
		"-row", ".name,/model,/precision,/proto,/input,/tokens,/prefix,/batch@num,/batcher,/load,/conc@num,/rate@num",
		"-ignore", ".file," + ignored,
		file,
	}
}
