// Package workload makes the inputs: images, their tensors, texts in length
// buckets and prompts. Each is made by its number and a salt, and no two of a
// salt are alike in content: in pixels, in numbers, in words or token ids. So
// nothing that remembers answers, whatever it takes for the same input, can
// give one that it has. Among them come, now and then, committed inputs whose
// right answers are known.
package workload

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
)

// Span is how many inputs a window may have: input i of it is the one numbered
// i modulo Span.
const Span = 1 << 38

// place is an input's number within its window.
func place(i int) int { return i % Span }

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
