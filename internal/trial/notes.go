package trial

import (
	"fmt"
	"io"
	"strings"
)

// Notes are the lines for the reader that are no results.
type Notes struct {
	to      io.Writer
	pending []string // to print between leaves
}

// Note keeps a line for standard error until no result line is being written:
// from the second repetition on, testing prints a leaf's name before it runs.
func (n *Notes) Note(format string, args ...any) {
	n.pending = append(n.pending, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\n#   "))
}

// Flush prints what waits.
func (n *Notes) Flush() {
	for _, line := range n.pending {
		fmt.Fprintln(n.to, "# "+line)
	}
	n.pending = nil
}

// say tells at once what would be no news later.
func (n *Notes) say(format string, args ...any) {
	fmt.Fprintln(n.to, "# "+fmt.Sprintf(format, args...))
}
