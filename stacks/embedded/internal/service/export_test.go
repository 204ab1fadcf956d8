package service

import "stackbench/stacks/embedded/internal/store"

// Tasks is how many tasks a model is for.
func Tasks(m *store.Model) int {
	n := 0
	for _, t := range tasks() {
		if t.of(m) {
			n++
		}
	}
	return n
}
