// Package workload makes the inputs: photographs and seeded images, their
// tensors, and texts in length buckets. All are salted per trial in ways that
// cannot change an answer, so that no cache keyed by a request answers and
// every answer can still be checked.
package workload

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
)

// salted is the generator of input number i of a trial.
func salted(salt uint64, i int) *rand.Rand {
	return rand.New(rand.NewPCG(salt, uint64(i)))
}

func readJSON[T any](testdata fs.FS, name string) (T, error) {
	var v T
	data, err := fs.ReadFile(testdata, name)
	if err != nil {
		return v, fmt.Errorf("read inputs: %w", err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, fmt.Errorf("read inputs: testdata/%s: %w", name, err)
	}
	return v, nil
}
