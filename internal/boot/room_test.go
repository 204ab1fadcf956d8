package boot

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fetch"
	"stackbench/internal/stack"
)

func TestRoomForImages(t *testing.T) {
	free := func(bytes int64, err error) *fetch.Getter {
		return &fetch.Getter{Free: func(string) (int64, error) { return bytes, err }}
	}
	images := []stack.Image{{Ref: "stackbench/torchbase:latest", Bytes: 5_000_000_000}, {Ref: "stackbench/triton:cpu", Bytes: 1_200_000_000}}
	require.NoError(t, room(free(6_200_000_000, nil), "/disk", images))
	err := room(free(3_100_000_000, nil), "/disk", images)
	require.EqualError(t, err, "disk full: the images stackbench/torchbase:latest, stackbench/triton:cpu need about 6.2 GB, 3.1 GB are free in /disk\n"+
		"make room there, name fewer stacks, or remove what was built before: go tool stackbench clean --images; docker image prune")
	var full *fetch.SpaceError
	require.ErrorAs(t, err, &full)
	require.NoError(t, room(free(0, errors.New("no such system call")), "/disk", images), "what cannot be measured is no reason to refuse")
}

func TestMissingImagesCountTheirBasesOnce(t *testing.T) {
	e, err := connect(t.Context(), false)
	if err != nil {
		t.Skip(err)
	}
	base := stack.Image{Ref: "stackbench/not-there:base", Build: &stack.Build{}}
	of := func(ref string) stack.Image { return stack.Image{Ref: ref, Build: &stack.Build{Base: &base}} }
	got, err := e.missing(t.Context(), []stack.Image{of("stackbench/not-there:a"), of("stackbench/not-there:b"), of("stackbench/not-there:a")})
	require.NoError(t, err)
	var refs []string
	for _, img := range got {
		refs = append(refs, img.Ref)
	}
	require.Equal(t, []string{"stackbench/not-there:a", "stackbench/not-there:base", "stackbench/not-there:b"}, refs)
}
