package stackbench_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestValidityPageHasTheMeasuredRates holds docs/validity.md to what the
// simulations of internal/meter last measured.
func TestValidityPageHasTheMeasuredRates(t *testing.T) {
	rates, err := os.ReadFile("internal/meter/testdata/steadiness.md")
	require.NoError(t, err)
	between(t, "docs/validity.md", "steadiness", string(rates))
}
