package boot

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

func itoa(n int) string { return strconv.Itoa(n) }

// createLabelled makes a container with the owner's label, not through Start.
func createLabelled(t *testing.T, e *engine, img image, owner string) string {
	t.Helper()
	return createBare(t, e, client.ContainerCreateOptions{
		Config: &container.Config{Image: img.ref, Labels: map[string]string{labelRun: owner}},
	})
}

// askForGPU makes a container that wants a GPU.
func askForGPU(t *testing.T, e *engine, img image) string {
	t.Helper()
	return createBare(t, e, client.ContainerCreateOptions{
		Config: &container.Config{Image: img.ref},
		HostConfig: &container.HostConfig{Resources: container.Resources{DeviceRequests: []container.DeviceRequest{
			{Driver: "nvidia", Count: -1, Capabilities: [][]string{{"gpu"}}},
		}}},
	})
}

func createBare(t *testing.T, e *engine, o client.ContainerCreateOptions) string {
	t.Helper()
	c, err := e.cli.ContainerCreate(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, _ = e.cli.ContainerRemove(context.Background(), c.ID, client.ContainerRemoveOptions{Force: true})
	})
	return c.ID
}

// removeTestImage leaves no image behind; without a daemon there is none.
func removeTestImage() {
	ctx := context.Background()
	if e, err := connect(ctx, false); err == nil {
		_, _ = e.cli.ImageRemove(ctx, testImage, client.ImageRemoveOptions{PruneChildren: true})
	}
}

var inspectNothingMore client.ContainerInspectOptions

// answerOf is what a server refused with.
func answerOf(res *http.Response) error {
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(string(b))
	}
	return err
}
