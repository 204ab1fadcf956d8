package task

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/load"
	"stackbench/internal/suite"
)

func TestAWindowIsLongEnoughForItsTexts(t *testing.T) {
	p := load.Plan{Warmup: time.Second, Window: 3 * time.Second}
	for text, want := range map[time.Duration][2]time.Duration{
		10 * time.Millisecond: {time.Second, 3 * time.Second},
		2 * time.Second:       {3 * time.Second, 28 * time.Second},
		time.Minute:           {90 * time.Second, 90 * time.Second},
	} {
		got := Paced(suite.Options{}, p, text, 4)
		require.Equal(t, want, [2]time.Duration{got.Warmup, got.Window}, text)
	}
	asked := Paced(suite.Options{Window: 3 * time.Second}, p, 2*time.Second, 4)
	many := Paced(suite.Options{}, p, 2*time.Second, 16)
	require.Equal(t, 64*time.Second, many.Window, "two texts a user, computed one after the other")
	require.Equal(t, 3*time.Second, asked.Window, "what was asked for is what is measured")

	strict := suite.Options{Profile: suite.Standard, Window: 10 * time.Second}
	plan := func(users int) load.Plan {
		return load.Plan{Conns: users, Warmup: strict.Profile.Warmup(), Window: strict.Length()}
	}
	require.Equal(t, 65*time.Second, Paced(strict, plan(4), time.Second/2, 4).Window, "in standard, what a p95 needs")
	require.Equal(t, 150*time.Second, Paced(strict, plan(1), 4*time.Second, 1).Window, "but not for ever: percentiles are left out then")
}
