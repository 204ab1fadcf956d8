//go:build !linux

package usage

// readCores gives nothing: only Linux counts the time of cores in /proc.
func readCores() ([]byte, error) { return nil, errNoProc }
