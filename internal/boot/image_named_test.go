package boot

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

func TestAnImageThatTheUserNames(t *testing.T) {
	own := stack.Image{Ref: "example.test/server:1.9"}
	p := plan{Spec: Spec{Stack: stack.Stack{Name: "tei-grpc", Container: &stack.Container{Images: map[stack.Device]stack.Image{stack.CPU: own}}}}}
	require.Equal(t, own, p.image())
	t.Setenv("STACKBENCH_IMAGE_TEI_GRPC", "mine@sha256:00")
	require.Equal(t, stack.Image{Ref: "mine@sha256:00"}, p.image())
}

func TestAMakersImageThatCannotBeHadIsAReasonToSkip(t *testing.T) {
	p := plan{Spec: Spec{Stack: stack.Stack{Name: "tei", Container: &stack.Container{Images: map[stack.Device]stack.Image{stack.CPU: {Ref: "example.test/server:1.9"}}}}}}
	lost := imageFailure("pull", "example.test/server:1.9", "", errors.New("dial tcp: lookup example.test: no such host"))
	var skip *Unavailable
	require.ErrorAs(t, p.withoutImage(lost), &skip)
	require.EqualError(t, skip, "its image example.test/server:1.9 is not here, and no image registry is reachable\n"+
		"connect, load it (docker load), or name one that you have in STACKBENCH_IMAGE_TEI")
	gone := imageFailure("pull", "example.test/server:1.9", "", errors.New("manifest unknown"))
	require.Equal(t, gone, p.withoutImage(gone), "the wrong name is a failure")
	p.Stack.Container.Images[stack.CPU] = stack.Image{Ref: "built", Build: &stack.Build{}}
	require.Equal(t, lost, p.withoutImage(lost), "and so is a base that everything needs")
}

func TestWhyAServerDidNotStart(t *testing.T) {
	log := "I1126 loading: m:1\nE1126 model_lifecycle.cc:642] \"failed to load 'm' version 1: Internal: no such file\"\nerror: creating server: Internal - failed to load all models\n"
	p := plan{launcher: Container, Spec: Spec{Stack: stack.Stack{Container: &stack.Container{Telling: `failed to load '.+' version|failed to load all`}}}}
	require.Equal(t, "E1126 model_lifecycle.cc:642] \"failed to load 'm' version 1: Internal: no such file\"", p.said(log))
	require.Equal(t, "", p.said("nothing of that kind\n"))
	p.Stack.Container.Telling = ""
	require.Equal(t, "", p.said(log), "the last lines tell")
}

// What doctor says of a stack: an image that is not here must still be had.
func TestMissing(t *testing.T) {
	s := containerSpec(t, "ok")
	s.Stack.Container.Images = map[stack.Device]stack.Image{stack.CPU: {Ref: "stackbench-boot-test:never-published"}}
	missing, err := Missing(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, missing, 1)
	p := processSpec(t, "ok")
	missing, err = Missing(t.Context(), p)
	require.NoError(t, err)
	require.Empty(t, missing, "it has no image")
}
