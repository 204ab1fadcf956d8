//go:build !race

package fakestack

const slowness = 1
