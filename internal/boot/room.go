package boot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"

	"stackbench/internal/fetch"
	"stackbench/internal/stack"
)

// Room fails, before anything is fetched or built, when Docker's disk cannot
// hold the images that the stacks still need. It knows nothing of a daemon on
// another machine, and of stacks that run otherwise: for those it is nil.
func Room(ctx context.Context, specs []Spec) error {
	var want []stack.Image
	var e *engine
	for _, s := range specs {
		p, err := resolve(ctx, s, false)
		if err != nil || p.launcher != Container {
			continue // Prepare says why, or it needs no image
		}
		e = p.engine
		want = append(want, p.image())
	}
	if e == nil || !e.place.local || e.info.DockerRootDir == "" {
		return nil
	}
	missing, err := e.missing(ctx, want)
	if err != nil || len(missing) == 0 {
		return err
	}
	return room(&fetch.Getter{}, e.info.DockerRootDir, missing)
}

// room fails unless the disk of dir holds the images.
func room(disk *fetch.Getter, dir string, images []stack.Image) error {
	need := int64(0)
	var refs []string
	for _, img := range images {
		need += img.Bytes
		refs = append(refs, img.Ref)
	}
	err := disk.Room(dir, need)
	var full *fetch.SpaceError
	if !errors.As(err, &full) {
		return nil // what cannot be measured is no reason to refuse
	}
	return &Failure{
		What: fmt.Sprintf("disk full: the images %s need about %.1f GB, %.1f GB are free in %s", strings.Join(refs, ", "), float64(need)/1e9, float64(full.Free)/1e9, dir),
		Cure: "make room there, name fewer stacks, or remove what was built before: go tool stackbench clean --images; docker image prune",
		Err:  err,
	}
}

// missing are the images, and those below them, that the daemon does not have,
// each once.
func (e *engine) missing(ctx context.Context, images []stack.Image) ([]stack.Image, error) {
	var out []stack.Image
	for _, img := range images {
		for at := &img; at != nil; at = below(*at) {
			if slices.ContainsFunc(out, func(x stack.Image) bool { return x.Ref == at.Ref }) {
				continue
			}
			_, _, err := e.inspect(ctx, pinned(*at))
			if errdefs.IsNotFound(err) {
				out = append(out, *at)
			} else if err != nil {
				return nil, imageFailure("inspect", at.Ref, "", err)
			}
		}
	}
	return out, nil
}

func below(img stack.Image) *stack.Image {
	if img.Build == nil {
		return nil
	}
	return img.Build.Base
}

// Missing are the images that the stack would run on here and that the daemon
// does not have: they are still to be built or pulled. None of a stack that
// runs otherwise.
func Missing(ctx context.Context, s Spec) ([]stack.Image, error) {
	p, err := resolve(ctx, s, false)
	if err != nil || p.launcher != Container {
		return nil, err
	}
	return p.engine.missing(ctx, []stack.Image{p.image()})
}
