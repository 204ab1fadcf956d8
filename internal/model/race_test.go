//go:build race

package model

// raced: the race detector makes arithmetic ten times slower, and has nothing
// to find in what runs on one goroutine.
const raced = true
