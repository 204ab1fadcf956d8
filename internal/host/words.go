package host

import (
	"errors"
	"strings"

	"stackbench/internal/boot"
)

// OneLine is what went wrong, without what to do. Of a server that ended, its
// last words are the cause: two lines, since ours say the cure on the second.
func OneLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	var f *boot.Failure
	if errors.As(err, &f) && f.Log != "" {
		words := strings.Split(strings.TrimSpace(f.Log), "\n")
		for i, line := range words {
			words[i] = strings.TrimSpace(line)
		}
		first += ": " + strings.Join(words[max(0, len(words)-2):], "; ")
	}
	return first
}
