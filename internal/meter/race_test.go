//go:build race

package meter

// raced: the race detector makes a simulation ten times slower, and has nothing
// to find in it.
const raced = true
