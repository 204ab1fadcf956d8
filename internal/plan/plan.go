// Package plan is the list of windows that a benchmark binary is about to
// measure, as it tells it to the command that starts it: one JSON object a
// line. The command needs it to say how long a run will take before it starts.
package plan

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Leaf is one window, or one that cannot be measured and why.
type Leaf struct {
	Name    string  `json:"name"`            // the benchmark's full name without "Benchmark"
	Stack   string  `json:"stack"`           // the value of its stack key
	Model   string  `json:"model"`           // the value of its model key
	Seconds float64 `json:"seconds"`         // expected time: warm-up, window and drain
	Skip    string  `json:"skip,omitempty"`  // why it cannot be measured here; "" when it can
	Start   float64 `json:"start,omitempty"` // seconds to start the stack, on the first leaf of a stack and model
}

// Write writes the leaves, one JSON object a line.
func Write(w io.Writer, leaves []Leaf) error {
	enc := json.NewEncoder(w)
	for _, l := range leaves {
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("write plan: %w", err)
		}
	}
	return nil
}

// Read reads what Write wrote, and fails on anything else, naming the line.
func Read(r io.Reader) ([]Leaf, error) {
	var leaves []Leaf
	s := bufio.NewScanner(r)
	for n := 1; s.Scan(); n++ {
		var l Leaf
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("read plan: line %d: %w", n, err)
		}
		if l.Name == "" {
			return nil, fmt.Errorf("read plan: line %d: no name", n)
		}
		leaves = append(leaves, l)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	return leaves, nil
}
