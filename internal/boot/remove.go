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
	list, err := e.cli.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("label", labelContent)})
	if err != nil {
		return nil, fmt.Errorf("list the images built here: %w", err)
	}
	var out []Removed
	for _, i := range list.Items {
		if _, err := e.cli.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true}); err != nil {
			return out, fmt.Errorf("remove image %s: %w\nend the containers that use it: docker ps", i.ID, err)
		}
		ref := i.ID
		if len(i.RepoTags) > 0 {
			ref = i.RepoTags[0]
		}
		out = append(out, Removed{Ref: ref, Bytes: i.Size})
	}
	return out, nil
}
