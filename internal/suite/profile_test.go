package suite

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProfilesGrow(t *testing.T) {
	require.Equal(t, []string{"quick", "standard", "full"}, Profiles())
	for p := Quick; p < Full; p++ {
		require.Less(t, p.Window(), (p + 1).Window())
		require.Less(t, p.Warmup(), (p + 1).Warmup())
		require.Less(t, p.Trials(), (p + 1).Trials())
		back, err := ParseProfile(p.String())
		require.NoError(t, err)
		require.Equal(t, p, back)
	}
	require.False(t, Quick.Strict())
	require.True(t, Standard.Strict())
}

func TestAProfileThatDoesNotExistIsRefused(t *testing.T) {
	for _, p := range []Profile{-1, Full + 1} {
		err := CheckProfiles(Options{Profile: p}, Group{})
		require.ErrorContains(t, err, "\nknown profiles: quick, standard, full")
		err = CheckProfiles(Options{Only: Only{Leaves: p}}, Group{})
		require.ErrorContains(t, err, "unknown profile")
		err = CheckProfiles(Options{}, Group{Name: "g", Cases: []Case{{From: p}}})
		require.ErrorContains(t, err, "group g: unknown profile")
		require.Zero(t, p.Window()+p.Warmup()+time.Duration(p.Trials()))
	}
	require.Equal(t, "profile 3", (Full + 1).String())
	for p, name := range Profiles() {
		require.Equal(t, name, Profile(p).String())
		require.Positive(t, Profile(p).Warmup())
	}
}
