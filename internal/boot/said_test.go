package boot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

func TestTheLogSaysWhyItDidNotStart(t *testing.T) {
	log := "I1 loading: m:1\nE1 model_lifecycle.cc:642] \"failed to load 'm' version 1: Internal: no such file\"\nerror: creating server: Internal - failed to load all models\n"
	for telling, want := range map[string]string{
		"":                                     "",
		"another kind of line":                 "",
		`failed to load '.+' version`:          "E1 model_lifecycle.cc:642] \"failed to load 'm' version 1: Internal: no such file\"",
		`(failed to load '.+' version .+?)"?$`: "failed to load 'm' version 1: Internal: no such file",
		`(failed`:                              "", // a test of the stacks says that theirs are right
	} {
		p := plan{launcher: Container, Spec: Spec{Stack: stack.Stack{Container: &stack.Container{Telling: telling}}}}
		require.Equal(t, want, p.said(log), telling)
		p.launcher = Process
		require.Empty(t, p.said(log))
	}
}
