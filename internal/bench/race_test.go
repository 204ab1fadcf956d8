//go:build race

package bench

// slowness is how much longer a fake computes where the race detector makes the
// decoding of a picture as long as that.
const slowness = 4
