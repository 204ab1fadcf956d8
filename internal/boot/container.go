package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"stackbench/internal/stack"
)

// containerServer is a server in a container.
type containerServer struct {
	name    string
	e       *engine
	c       testcontainers.Container
	image   image
	memory  int64 // limit in bytes; 0 means none
	logFile string
	before  string // id of the container that ran Init and keeps its volume; "" without one
	watch   *watchdog
	ended   chan struct{}
	unwait  context.CancelFunc

	mu      sync.Mutex
	stopped bool
}

// create makes the stack's container, ready to be started.
func (e *engine) create(ctx context.Context, s Spec, img image) (_ *containerServer, err error) {
	gpu, err := e.gpuRequest(s)
	if err != nil {
		return nil, err
	}
	log, err := createLog(s.Cache, s.Stack.Name)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Stack.Name, err)
	}
	log.Close()
	if s.Memory == 0 {
		s.Memory = memoryLimit(e.info.MemTotal)
	}
	c := &containerServer{name: s.Stack.Name, e: e, image: img, memory: s.Memory, logFile: log.Name(), ended: make(chan struct{}), unwait: func() {}}
	defer func() {
		if err != nil {
			c.discard()
		}
	}()
	in, err := inputsOf(s)
	if err != nil {
		return nil, err
	}
	req := request(s, img.ref, in.store, e.place, gpu)
	if err := c.guard(req.Labels[labelServer]); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.Stack.Name, err)
	}
	if s.Stack.Container.Init != nil {
		if c.before, err = e.initialise(ctx, s, img, in, req); err != nil {
			return nil, err
		}
		host := req.HostConfigModifier
		req.HostConfigModifier = func(hc *container.HostConfig) { host(hc); hc.VolumesFrom = []string{c.before} }
		req.ConfigModifier = func(cfg *container.Config) { configure(cfg, s, nil) }
	}
	c.c, err = testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{ContainerRequest: req, Logger: tclog.NewNoopLogger()})
	if err != nil {
		return nil, containerFailure(c.name, c.image.ref, err)
	}
	in.written = c.before != "" // the volumes have them
	return c, e.put(ctx, s, c.c.GetContainerID(), in)
}

// guard starts a watchdog where the docker command is at hand and Ryuk, which
// does the same for all containers of this process, is not.
func (c *containerServer) guard(label string) (err error) {
	if _, missing := exec.LookPath("docker"); missing != nil || c.e.ryuk == "" {
		return nil
	}
	c.watch, err = watch(removeContainers, labelServer+"="+label, "DOCKER_HOST="+c.e.daemon)
	return err
}

// start starts the container and finds out where its ports are.
func (c *containerServer) start(ctx context.Context, spec *stack.Container) (at stack.Endpoint, pid int, err error) {
	if err := c.c.Start(ctx); err != nil {
		return at, 0, containerFailure(c.name, c.image.ref, err)
	}
	wait, cancel := context.WithCancel(context.Background())
	c.unwait = cancel
	gone := c.e.cli.ContainerWait(wait, c.c.GetContainerID(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	go func() {
		select {
		case <-gone.Result:
			close(c.ended)
		case <-gone.Error: // the daemon is gone, or nobody waits any more
		}
	}()
	info, err := c.c.Inspect(ctx)
	if err != nil {
		return at, 0, fmt.Errorf("start %s: inspect: %w", c.name, err)
	}
	if c.e.place.local && info.State != nil {
		pid = info.State.Pid
	}
	if info.State == nil || !info.State.Running {
		return at, pid, nil // it has ended already, which the wait tells
	}
	for _, x := range pairs(spec.Ports, &at) {
		// Of the same look at the container: it may have ended since, and has no ports then.
		port, _ := network.PortFrom(uint16(x.port), network.TCP)
		published := info.NetworkSettings.Ports[port]
		if len(published) == 0 {
			return at, pid, fmt.Errorf("start %s: its port %d is not published", c.name, x.port)
		}
		*x.addr = net.JoinHostPort(c.e.place.host, published[0].HostPort)
	}
	return at, pid, nil
}

func (c *containerServer) done() <-chan struct{} { return c.ended }

// how says in what way the container ended.
func (c *containerServer) how() (what, cure string) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	info, err := c.c.Inspect(ctx)
	if err != nil || info.State == nil {
		return "ended, and the daemon does not tell how", "look at the daemon's log"
	}
	return howContainerEnded(*info.State, c.memory)
}

func (c *containerServer) log() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return tail(c.logFile)
	}
	return c.e.output(context.Background(), c.c.GetContainerID())
}

// output is the end of what a container wrote.
func (e *engine) output(ctx context.Context, id string) string {
	var b strings.Builder
	e.copyLog(ctx, id, "400", &b)
	return strings.ToValidUTF8(b.String(), "�")
}

// copyLog copies a container's last lines; what fails is left out, since it is
// wanted most when something is wrong already.
func (e *engine) copyLog(ctx context.Context, id, lines string, to io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	r, err := e.cli.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: lines})
	if err != nil {
		return
	}
	defer r.Close()
	_, _ = stdcopy.StdCopy(to, to, r)
}

// stop ends the server, keeps its log and removes the container. It does not
// listen to a context: a caller that was cancelled wants it done all the more.
func (c *containerServer) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	ctx, cancel := context.WithTimeout(context.Background(), 4*grace)
	defer cancel()
	wait := grace
	_ = c.c.Stop(ctx, &wait) // a container that never ran cannot be stopped, only removed
	if f, err := os.Create(c.logFile); err == nil {
		c.e.copyLog(ctx, c.c.GetContainerID(), "all", f)
		f.Close()
	}
	c.unwait()
	err := c.c.Terminate(ctx)
	if c.before != "" {
		err = errors.Join(err, c.e.remove(ctx, c.before))
	}
	if err != nil {
		return fmt.Errorf("stop %s: remove its container: %w", c.name, err) // and the watchdog stays
	}
	c.watch.dismiss()
	return nil
}

// discard undoes a create that failed half-way.
func (c *containerServer) discard() {
	if c.c == nil {
		if c.before != "" {
			_ = c.e.remove(context.Background(), c.before)
		}
		c.watch.dismiss()
		_ = os.Remove(c.logFile)
		return
	}
	_ = c.stop()
}

// sweep removes the containers whose owner is dead, and returns how many.
func (e *engine) sweep(ctx context.Context) int {
	list, err := e.cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", labelRun)})
	if err != nil {
		return 0
	}
	removed := 0
	for _, c := range list.Items {
		o, err := parseOwner(c.Labels[labelRun])
		if err != nil || !abandoned(o, e.place.local) {
			continue
		}
		if e.remove(ctx, c.ID) == nil {
			removed++
		}
	}
	return removed
}

// remove ends a container and takes away what is its own.
func (e *engine) remove(ctx context.Context, id string) error {
	_, err := e.cli.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	return err
}

// abandoned says whether nobody owns it any more, as far as this process can
// tell. On a daemon that it shares with other machines it knows its own
// containers only; on this machine's, an owner of an earlier boot cannot be alive.
func abandoned(o owner, local bool) bool {
	if o.here() {
		return !o.alive()
	}
	return local && o.boot != bootID()
}

// usage asks the daemon, for where the cgroup cannot be read from here.
func (c *containerServer) usage(ctx context.Context) (cpu time.Duration, memory int64, err error) {
	r, err := c.e.cli.ContainerStats(ctx, c.c.GetContainerID(), client.ContainerStatsOptions{})
	if err != nil {
		return 0, 0, fmt.Errorf("usage of %s: %w", c.name, err)
	}
	defer r.Body.Close()
	var st container.StatsResponse
	if err := json.NewDecoder(r.Body).Decode(&st); err != nil {
		return 0, 0, fmt.Errorf("usage of %s: %w", c.name, err)
	}
	return time.Duration(st.CPUStats.CPUUsage.TotalUsage), memoryOf(st.MemoryStats), nil
}

// memoryOf is the usage less the page cache, of which shared memory is no part.
func memoryOf(m container.MemoryStats) int64 {
	cache, shared := m.Stats["total_cache"], m.Stats["total_shmem"] // version 1
	if _, ok := m.Stats["total_cache"]; !ok {
		cache, shared = m.Stats["file"], m.Stats["shmem"]
	}
	return max(int64(m.Usage)-max(int64(cache)-int64(shared), 0), 0)
}
