package boot

import (
	"fmt"
	"net"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/system"
	"github.com/testcontainers/testcontainers-go"

	"stackbench/internal/stack"
)

// Labels of every container, by which a later run finds what a dead one left.
const (
	labelRun    = "stackbench.run"    // the owner: boot, namespace, process and its start
	labelPID    = "stackbench.pid"    // the owner's process number, for people
	labelStack  = "stackbench.stack"  // for people
	labelServer = "stackbench.server" // unique
)

// request is what testcontainers is asked for.
func request(s Spec, ref string, st store, p place, gpu []container.DeviceRequest) testcontainers.ContainerRequest {
	spec, run := s.Stack.Container, s.Run
	run.Models, run.Library, run.REST, run.GRPC = modelsInside, "", "", ""
	var ports []string
	for _, x := range []struct {
		port int
		to   *string
	}{{spec.RESTPort, &run.REST}, {spec.GRPCPort, &run.GRPC}} {
		if x.port != 0 {
			*x.to = net.JoinHostPort("0.0.0.0", strconv.Itoa(x.port))
			ports = append(ports, strconv.Itoa(x.port)+"/tcp")
		}
	}
	me := self()
	req := testcontainers.ContainerRequest{
		Image:        ref,
		ExposedPorts: ports,
		Env:          map[string]string{},
		Labels: map[string]string{
			labelRun: me.String(), labelPID: strconv.Itoa(me.pid), labelStack: s.Stack.Name,
			labelServer: fmt.Sprintf("%d-%d", me.pid, time.Now().UnixNano()),
		},
		// A health check of the image's own would be work that nobody asked for.
		ConfigModifier:     func(c *container.Config) { c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}} },
		HostConfigModifier: func(hc *container.HostConfig) { hostConfig(hc, s, st, p, gpu) },
	}
	if spec.Args != nil {
		req.Cmd = spec.Args(run)
	}
	if spec.Env != nil {
		for _, kv := range spec.Env(run) {
			k, v, _ := strings.Cut(kv, "=")
			req.Env[k] = v
		}
	}
	return req
}

// hostConfig is what the container may use of its host.
func hostConfig(hc *container.HostConfig, s Spec, st store, p place, gpu []container.DeviceRequest) {
	hc.CpusetCpus = s.Cores.String()
	hc.ShmSize = s.Stack.Container.ShmBytes
	hc.DeviceRequests = gpu
	hc.Memory, hc.MemorySwap = s.Memory, s.Memory // equal: no swap, which would be measured as slowness
	if st.dir != "" && bound(st, p) {
		hc.Binds = []string{st.dir + ":" + path.Join(modelsInside, st.model) + ":ro"}
	}
	if p.local {
		// Published on loopback only: what is measured is nobody else's to reach.
		hc.PortBindings = network.PortMap{}
		for _, n := range []int{s.Stack.Container.RESTPort, s.Stack.Container.GRPCPort} {
			if port, ok := network.PortFrom(uint16(n), network.TCP); ok && n != 0 {
				hc.PortBindings[port] = []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1")}}
			}
		}
	}
}

// gpuRequest asks for all GPUs when the run is on them.
func (e *engine) gpuRequest(s Spec) ([]container.DeviceRequest, error) {
	if s.Run.Device != stack.GPU {
		return nil, nil
	}
	req := gpuRequest(e.info)
	if req == nil {
		return nil, noGPU(nil)
	}
	return []container.DeviceRequest{*req}, nil
}

// gpuRequest is how this daemon is asked for its GPUs; nil when it cannot be.
func gpuRequest(info system.Info) *container.DeviceRequest {
	if _, ok := info.Runtimes["nvidia"]; ok {
		return &container.DeviceRequest{Driver: "nvidia", Count: -1, Capabilities: [][]string{{"gpu"}}}
	}
	if slices.ContainsFunc(info.DiscoveredDevices, func(d system.DeviceInfo) bool { return d.ID == "nvidia.com/gpu=all" }) {
		return &container.DeviceRequest{Driver: "cdi", DeviceIDs: []string{"nvidia.com/gpu=all"}}
	}
	return nil
}

func noGPU(err error) error {
	return &Unavailable{
		Reason: "Docker has no NVIDIA runtime",
		Cure:   "install the NVIDIA Container Toolkit, run nvidia-ctk runtime configure --runtime=docker, and restart Docker",
		Err:    err,
	}
}
