package boot

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"stackbench/internal/stack"
)

// inputs are what a container is given to read: the model's folder, and what
// its stack wrote about it.
type inputs struct {
	store   store
	files   stack.Files
	written bool // they are there already
}

func inputsOf(s Spec) (in inputs, err error) {
	if in.store, err = storeOf(s); err != nil {
		return in, err
	}
	in.files, err = filesOf(s)
	return in, err
}

// put copies into a created container what it does not have mounted.
func (e *engine) put(ctx context.Context, s Spec, id string, in inputs) error {
	if in.written {
		return nil
	}
	if !bound(in.store, e.place) {
		err := e.copyIn(ctx, id, modelsInside, func(to io.Writer) error { return packStore(in.store, to) })
		if err != nil {
			return fmt.Errorf("start %s: copy the model into the container: %w", s.Stack.Name, err)
		}
	}
	if s.Stack.Container.Files == nil {
		return nil
	}
	err := e.copyIn(ctx, id, filesInside, func(to io.Writer) error { return packFiles(in.files, s.Run.Model.Name, to) })
	if err != nil {
		return fmt.Errorf("start %s: copy its files into the container: %w", s.Stack.Name, err)
	}
	return nil
}

// copyIn unpacks an archive in a folder of a container, which is a volume.
func (e *engine) copyIn(ctx context.Context, id, folder string, archive func(io.Writer) error) error {
	pack, out := io.Pipe()
	go func() { out.CloseWithError(archive(out)) }()
	defer pack.Close()
	_, err := e.cli.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: folder, Content: pack})
	return err
}

// initialise runs the stack's Init to its end, with the image, model, devices
// and files of the server that comes after. Its Files are on a volume, which
// the server takes over; the container stays until then, since the volume ends
// with it. Returned is its id.
func (e *engine) initialise(ctx context.Context, s Spec, img image, in inputs, server testcontainers.ContainerRequest) (id string, err error) {
	var host container.HostConfig
	server.HostConfigModifier(&host)
	host.PortBindings = nil
	config := container.Config{Image: img.ref, Entrypoint: s.Stack.Container.Init(inside(s)), Labels: server.Labels}
	server.ConfigModifier(&config)
	made, err := e.cli.ContainerCreate(ctx, client.ContainerCreateOptions{Config: &config, HostConfig: &host})
	if err != nil {
		return "", containerFailure(s.Stack.Name, img.ref, err)
	}
	if err := e.complete(ctx, s, made.ID, in); err != nil {
		return "", errors.Join(err, e.remove(context.WithoutCancel(ctx), made.ID))
	}
	return made.ID, nil
}

// complete runs a created container with its inputs to its end.
func (e *engine) complete(ctx context.Context, s Spec, id string, in inputs) error {
	if err := e.put(ctx, s, id, in); err != nil {
		return err
	}
	ended := e.cli.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := e.cli.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return containerFailure(s.Stack.Name, s.Stack.Container.Images[s.device()].Ref, err)
	}
	select {
	case err := <-ended.Error:
		return fmt.Errorf("start %s: wait for its initialisation: %w", s.Stack.Name, err)
	case end := <-ended.Result:
		if end.StatusCode != 0 {
			return &Failure{
				What: fmt.Sprintf("start %s: its initialisation exited with code %d", s.Stack.Name, end.StatusCode),
				Cure: "read its last lines below",
				Log:  lastLines(e.output(ctx, id), 20),
			}
		}
	}
	return nil
}
