package hub

import "stackbench/internal/stack"

const (
	// longest is the most tokens of a prompt and its answer: to allow more, where
	// a published model takes more, would only leave its cache room for fewer.
	longest = 2048
	// Sequences that are generated at a time, where nobody asks for a number.
	cpuSequences = 32
	gpuSequences = 256
)

// Context is how many tokens of a prompt and its answer together the servers of
// text are told to take, all alike.
func Context(m stack.Model) int {
	if m.Decoder == nil {
		return longest
	}
	return min(m.Decoder.Context, longest)
}

// Sequences is how many of them they are told to generate at a time.
func Sequences(r stack.Run) int {
	switch {
	case r.Batch.Max > 0:
		return r.Batch.Max
	case r.Device == stack.GPU:
		return gpuSequences
	}
	return cpuSequences
}
