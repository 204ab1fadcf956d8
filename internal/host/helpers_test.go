package host

import (
	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

const minilm = "all-minilm-l6-v2"

func textCase(batch, conc int) suite.Case {
	return suite.Case{Task: stack.Embeddings, Model: minilm, Proto: stack.REST, Input: stack.Text, Batch: batch, Load: suite.Closed(conc)}
}
