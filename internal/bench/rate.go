package bench

import "stackbench/internal/stack"

// unitOf is that of the items that are answered in a second; "" where items are
// not what is counted: tokens are, of a text, and of an unknown task nobody
// knows.
func unitOf(t stack.Task) string {
	switch t {
	case stack.Embeddings:
		return "emb/s"
	case stack.ImageClassification:
		return "img/s"
	}
	return ""
}
