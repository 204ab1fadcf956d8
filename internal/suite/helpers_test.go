package suite

import (
	"stackbench/internal/stack"
)

const minilm = "all-minilm-l6-v2"

func textCase(batch, conc int) Case {
	return Case{Task: stack.Embeddings, Model: minilm, Proto: stack.REST, Input: stack.Text, Batch: batch, Load: Closed(conc)}
}
