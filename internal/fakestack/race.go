//go:build race

package fakestack

// slowness is how much longer a classifier computes where the race detector makes
// the decoding of a picture as long as that.
const slowness = 4
