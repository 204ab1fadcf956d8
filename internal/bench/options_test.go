package bench

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
	"stackbench/internal/suite"
)

func stackTable() []stack.Stack { return []stack.Stack{{Name: "one"}, {Name: "two"}, {Name: "three"}} }

func TestOptionsDefaults(t *testing.T) {
	o, err := ParseOptions(nil, stackTable())
	require.NoError(t, err)
	require.Equal(t, suite.Options{
		Stacks: stackTable(), Start: suite.Start{Device: "auto", Launcher: "auto", Weights: "auto"}, Record: suite.Record{Trial: 1, Seed: 1},
	}, o)
	require.Equal(t, suite.Quick, o.Profile)
	require.Equal(t, 3*time.Second, o.Length())
}

func TestOptionsAreRead(t *testing.T) {
	o, err := ParseOptions([]string{
		"-stacks=three, one,three", "-device=cpu", "-profile=standard", "-window=5s", "-launcher=process",
		"-weights=seeded", "-out=runs/a", "-trial=3", "-seed=7", "-plan", "-leaves=quick", "-models=resnet50",
	}, stackTable())
	require.NoError(t, err)
	require.Equal(t, suite.Options{
		Stacks: []stack.Stack{{Name: "three"}, {Name: "one"}}, Start: suite.Start{Device: "cpu", Launcher: "process", Weights: "seeded"}, Profile: suite.Standard, Only: suite.Only{Models: []string{"resnet50"}, Leaves: suite.Quick}, Window: 5 * time.Second,
		Record: suite.Record{Folder: "runs/a", Trial: 3, Seed: 7}, Plan: true,
	}, o)
	require.Equal(t, 5*time.Second, o.Length())
	require.NotEqual(t, o.Salt(), suite.Options{Record: suite.Record{Trial: 4, Seed: 7}}.Salt())
}

// TestBadOptions: the first line says what is wrong with what, the second what to do.
func TestBadOptions(t *testing.T) {
	for arg, want := range map[string]string{
		"-stacks=one,nine": "unknown stack \"nine\"\nknown stacks: one, two, three, all",
		"-leaves=some":     "unknown profile \"some\"\nknown profiles: quick, standard, full",
		"-leaves=standard": "quick has fewer leaves than standard\nask for -profile=standard, with -leaves if need be",
		"-device=tpu":      "unknown device \"tpu\"\nknown: auto, cpu, gpu",
		"-profile=fast":    "unknown profile \"fast\"\nknown profiles: quick, standard, full",
		"-launcher=k8s":    "unknown launcher \"k8s\"\nknown: auto, container, process",
		"-weights=best":    "unknown weights \"best\"\nknown: auto, hub, package, seeded",
		"-window=20ms":     "a window of 20ms is too short to measure anything\ngive at least 1s, such as -window=30s",
		"-window=-3s":      "a window of -3s is too short to measure anything\ngive at least 1s, such as -window=30s",
		"-window=1000000h": "a window of 1000000h0m0s is too long\ngive at most 24h0m0s, such as -window=5m",
		"stray":            "\"stray\" is no flag\nwrite every setting as -name=value",
		"-trial=0":         "trial 0\ntrials are counted from 1",
	} {
		_, err := ParseOptions([]string{arg}, stackTable())
		require.EqualError(t, err, want, arg)
		require.Len(t, strings.Split(err.Error(), "\n"), 2)
	}
	for _, arg := range []string{"-nonsense", "-trial=x", "-seed=-1", "-window=3"} {
		_, err := ParseOptions([]string{arg}, stackTable())
		require.Error(t, err, arg)
	}
}

// TestLeavesNarrow: the rules are the profile's, the cases a smaller one's.
func TestLeavesNarrow(t *testing.T) {
	g := suite.Group{Cases: []suite.Case{{Model: "a", From: suite.Quick}, {Model: "a", From: suite.Standard}, {Model: "b", From: suite.Quick}, {Model: "b", From: suite.Full}}}
	narrowed := func(args ...string) []suite.Case {
		o, err := ParseOptions(append(args, "-stacks=one"), stackTable())
		require.NoError(t, err)
		return g.Only(o.Only).In(o.Profile)
	}
	require.Equal(t, []suite.Case{g.Cases[0], g.Cases[2]}, narrowed())
	require.Equal(t, g.Cases[:3], narrowed("-profile=standard"))
	require.Equal(t, []suite.Case{g.Cases[0], g.Cases[2]}, narrowed("-profile=standard", "-leaves=quick"))
	require.Equal(t, g.Cases[:3], narrowed("-profile=full", "-leaves=standard"))
	require.Equal(t, g.Cases, narrowed("-profile=full"))
	require.Equal(t, g.Cases[:1], g.Only(suite.Only{Models: []string{"a"}}).Cases)
}
