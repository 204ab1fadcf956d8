package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAProfileThatDoesNotExistIsRefused(t *testing.T) {
	for _, p := range []Profile{-1, Full + 1} {
		err := checkProfiles(Options{Profile: p}, Group{})
		require.ErrorContains(t, err, "\nknown profiles: quick, standard, full")
		err = checkProfiles(Options{Only: Only{Leaves: p}}, Group{})
		require.ErrorContains(t, err, "unknown profile")
		err = checkProfiles(Options{}, Group{Name: "g", Cases: []Case{{From: p}}})
		require.ErrorContains(t, err, "group g: unknown profile")
		require.Zero(t, p.Window()+p.Warmup()+time.Duration(p.Trials()))
	}
	require.Equal(t, "profile 3", (Full + 1).String())
	for p, name := range Profiles() {
		require.Equal(t, name, Profile(p).String())
		require.Positive(t, Profile(p).Warmup())
	}
}
