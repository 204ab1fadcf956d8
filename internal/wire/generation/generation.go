// Package generation is what the contracts of text generation have in common:
// what is asked for, what a whole answer says once it is decoded, and the tally
// of a stream's events while they arrive.
package generation

import (
	"errors"
	"fmt"
)

// Prompt is what to generate from, and how much.
type Prompt struct {
	Model  string
	Text   string
	Tokens int  // most output tokens
	Exact  bool // exactly so many, past any end that the model sees; for servers that can be told
	Seed   int
}

// Check finds prompts that no server could answer.
func (p Prompt) Check() error {
	switch {
	case p.Text == "":
		return errors.New("the prompt is empty")
	case p.Tokens < 1:
		return fmt.Errorf("%d output tokens: ask for at least one", p.Tokens)
	}
	return nil
}

// Text is a decoded answer.
type Text struct {
	Text   string
	Tokens int    // generated, as the server counts them; 0 when it did not say
	Prompt int    // tokens of the prompt, as the server counts them; 0 when it did not say
	Finish string // why it ended, in the server's words; "" when it did not say
	Chunks int    // chunks with text; 0 of a whole answer
}
