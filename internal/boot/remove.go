package boot

import (
	"context"
	"fmt"

	"github.com/moby/moby/client"
)

// Removed is an image that RemoveImages took away.
type Removed struct {
	Ref   string
	Bytes int64 // its size; layers that other images share stay
}

// RemoveImages removes the images that Prepare built, and returns them. What
// was pulled is left: other programs may use it.
func RemoveImages(ctx context.Context) ([]Removed, error) {
	e, err := connect(ctx, false)
	if err != nil {
		return nil, err
	}
	return e.removeImages(ctx, labelContent)
}

// removeImages removes the images with the label. One that others are built on
// goes after them, in whatever order the daemon lists them.
func (e *engine) removeImages(ctx context.Context, label string) (out []Removed, err error) {
	list, err := e.cli.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("label", label)})
	if err != nil {
		return nil, fmt.Errorf("list the images built here: %w", err)
	}
	for left := list.Items; len(left) > 0; {
		failed, last := left[:0:0], error(nil)
		for _, i := range left {
			ref := i.ID
			if len(i.RepoTags) > 0 {
				ref = i.RepoTags[0]
			}
			if _, err := e.cli.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true}); err != nil {
				failed = append(failed, i)
				last = &Failure{What: fmt.Sprintf("remove image %s: %s", ref, firstLine(err.Error())), Cure: "end the containers that use it (docker ps) and run it again", Err: err}
				continue
			}
			out = append(out, Removed{Ref: ref, Bytes: i.Size})
		}
		if len(failed) == len(left) {
			return out, last
		}
		left = failed
	}
	return out, nil
}
