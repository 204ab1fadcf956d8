package boot

import (
	"fmt"
	"slices"
	"strings"
)

// Misnamed refuses a variable of the environment that is meant for a stack and
// names none: passed over, another server than the user's would be measured in
// the place of that.
func Misnamed(environ, stacks []string) error {
	for _, entry := range environ {
		key, value, _ := strings.Cut(entry, "=")
		for _, what := range []string{"ATTACH", "BIN", "IMAGE"} {
			if value == "" || !strings.HasPrefix(key, variable(what, "")) {
				continue
			}
			var known []string
			for _, s := range stacks {
				known = append(known, variable(what, s))
			}
			if !slices.Contains(known, key) {
				return &Failure{What: key + " names no stack", Cure: fmt.Sprintf("unset it, or use one of %s", strings.Join(known, ", "))}
			}
		}
	}
	return nil
}
