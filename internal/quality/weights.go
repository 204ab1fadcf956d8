package quality

import "fmt"

// OtherWeights is of right answers that are not of the weights that are served.
type OtherWeights struct{ words string }

func (e *OtherWeights) Error() string { return e.words }

func otherWeights(format string, args ...any) error {
	return &OtherWeights{fmt.Sprintf(format, args...)}
}
