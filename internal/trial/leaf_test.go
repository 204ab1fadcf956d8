package trial

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/suite"
)

// TestTheSecondTimeCostsLittle: what is measured beside windows was measured the first time.
func TestTheSecondTimeCostsLittle(t *testing.T) {
	r, _ := testRig(t)
	r.Group.Footprint = func(suite.Case) bool { return true }
	require.True(t, footprints(r.Options, r.Group, textCase(1, 1)))
	r.Options.Record.Again = 3
	require.False(t, footprints(r.Options, r.Group, textCase(1, 1)))
}
