package suite

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryBitOfTheSeedIsInTheSalt(t *testing.T) {
	seen := map[uint64]bool{}
	for bit := range 64 {
		for trial := 1; trial <= 10; trial++ {
			seen[Options{Record: Record{Trial: trial, Seed: 1 << bit}}.Salt()] = true
		}
	}
	require.Len(t, seen, 640)
}
