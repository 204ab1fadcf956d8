//go:build !race

package bench

const slowness = 1
