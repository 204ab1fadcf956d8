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

// inside is the start as the container sees it.
func inside(s Spec) stack.Run {
	ports, run := s.Stack.Container.Ports, s.Run
	run.Models, run.Library, run.Listen = modelsInside, "", stack.Endpoint{}
	if s.Stack.Container.Files != nil {
		run.Files = filesInside
	}
	for _, x := range pairs(ports, &run.Listen) {
		*x.addr = net.JoinHostPort("0.0.0.0", strconv.Itoa(x.port))
	}
	return run
}

// portOf is a port that a server has, and where its address goes.
type portOf struct {
	port int
	addr *string
}

// pairs puts each port that there is beside its address.
func pairs(p stack.Ports, at *stack.Endpoint) []portOf {
	all := []portOf{{p.REST, &at.REST}, {p.GRPC, &at.GRPC}, {p.Metrics, &at.Metrics}}
	return slices.DeleteFunc(all, func(x portOf) bool { return x.port == 0 })
}

// request is what testcontainers is asked for.
func request(s Spec, ref string, st store, p place, gpu []container.DeviceRequest) testcontainers.ContainerRequest {
	spec, run := s.Stack.Container, inside(s)
	var ports []string
	for _, x := range pairs(spec.Ports, &stack.Endpoint{}) {
		ports = append(ports, strconv.Itoa(x.port)+"/tcp")
	}
	req := testcontainers.ContainerRequest{
		Image:              ref,
		ExposedPorts:       ports,
		Env:                map[string]string{},
		Labels:             labels(s.Stack.Name),
		ConfigModifier:     func(c *container.Config) { configure(c, s, copiedTo(s, st, p)) },
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

func labels(name string) map[string]string {
	me := self()
	return map[string]string{
		labelRun: me.String(), labelPID: strconv.Itoa(me.pid), labelStack: name,
		labelServer: fmt.Sprintf("%d-%d", me.pid, time.Now().UnixNano()),
	}
}

// hostConfig is what the container may use of its host.
func hostConfig(hc *container.HostConfig, s Spec, st store, p place, gpu []container.DeviceRequest) {
	hc.CpusetCpus = s.Cores.String()
	hc.ShmSize = s.Stack.Container.ShmBytes
	hc.DeviceRequests = gpu
	hc.Memory, hc.MemorySwap = s.Memory, s.Memory // equal: no swap, which would be measured as slowness
	harden(hc, s)
	if st.dir != "" && bound(st, p) {
		hc.Binds = []string{st.dir + ":" + path.Join(modelsInside, st.model) + ":ro"}
	}
	if p.local {
		// Published on loopback only: what is measured is nobody else's to reach.
		hc.PortBindings = network.PortMap{}
		for _, x := range pairs(s.Stack.Container.Ports, &stack.Endpoint{}) {
			if port, ok := network.PortFrom(uint16(x.port), network.TCP); ok {
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
