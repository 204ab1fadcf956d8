package boot

import (
	"archive/tar"
	"bytes"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/api/types/system"
	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/stack"
)

// gpuStack serves both protocols and needs shared memory.
func gpuStack() stack.Stack {
	return stack.Stack{Name: "triton", Container: &stack.Container{
		Images: map[stack.Device]stack.Image{stack.GPU: {Ref: "triton:1"}},
		Args: func(r stack.Run) []string {
			return []string{"--models=" + r.Models, r.Listen.REST, r.Listen.GRPC, r.Library}
		},
		Env:   func(stack.Run) []string { return []string{"A=1", "B=x=y"} },
		Ports: stack.Ports{REST: 8000, GRPC: 8001}, ShmBytes: 1 << 30,
	}}
}

func TestWhatIsAskedForAGPU(t *testing.T) {
	info := system.Info{Runtimes: map[string]system.RuntimeWithStatus{"runc": {}, "nvidia": {}}}
	e := &engine{info: info, place: place{host: "127.0.0.1", local: true}}
	s := Spec{Stack: gpuStack(), Cores: cpuset.Set{2, 3, 5}, Memory: 1 << 30}
	s.Run = stack.Run{Device: stack.GPU, Models: "/store", Model: stack.Model{Name: "m"}, Library: "/lib/ort.so"}
	gpu, err := e.gpuRequest(s)
	require.NoError(t, err)
	require.Equal(t, []container.DeviceRequest{{Driver: "nvidia", Count: -1, Capabilities: [][]string{{"gpu"}}}}, gpu)

	st := store{dir: "/store/m", model: "m"}
	req := request(s, "triton:1", st, e.place, gpu)
	require.Equal(t, "triton:1", req.Image)
	require.Equal(t, []string{"8000/tcp", "8001/tcp"}, req.ExposedPorts)
	require.Equal(t, []string{"--models=/models", "0.0.0.0:8000", "0.0.0.0:8001", ""}, req.Cmd)
	require.Equal(t, map[string]string{"A": "1", "B": "x=y"}, req.Env)
	require.Equal(t, self().String(), req.Labels[labelRun])

	var hc container.HostConfig
	req.HostConfigModifier(&hc)
	require.Equal(t, gpu, hc.DeviceRequests)
	require.Equal(t, "2-3,5", hc.CpusetCpus)
	require.Equal(t, int64(1<<30), hc.ShmSize)
	require.Equal(t, int64(1<<30), hc.Memory)
	require.Equal(t, int64(1<<30), hc.MemorySwap)
	require.Equal(t, []string{"/store/m:/models/m:ro"}, hc.Binds)
	loopback := []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1")}}
	require.Equal(t, network.PortMap{network.MustParsePort("8000/tcp"): loopback, network.MustParsePort("8001/tcp"): loopback}, hc.PortBindings)

	var cfg container.Config
	req.ConfigModifier(&cfg)
	require.Equal(t, []string{"NONE"}, cfg.Healthcheck.Test)
}

func TestWhatIsAskedForACPU(t *testing.T) {
	e := &engine{info: system.Info{Runtimes: map[string]system.RuntimeWithStatus{"nvidia": {}}}}
	s := Spec{Stack: gpuStack(), Run: stack.Run{Device: stack.CPU}}
	gpu, err := e.gpuRequest(s)
	require.NoError(t, err)
	require.Nil(t, gpu)
	var hc container.HostConfig
	hostConfig(&hc, s, store{}, place{host: "192.0.2.1"}, gpu)
	require.Empty(t, hc.CpusetCpus)
	require.Empty(t, hc.Binds)
	require.Empty(t, hc.PortBindings, "a remote daemon publishes on every address")
	hostConfig(&hc, s, store{dir: "/s/m", model: "m"}, place{host: "192.0.2.1"}, gpu)
	require.Empty(t, hc.Binds, "a remote daemon does not see our files")
	hostConfig(&hc, s, store{dir: "/s/m", model: "m", links: true}, place{local: true}, gpu)
	require.Empty(t, hc.Binds, "links may lead out of the mount")
}

func TestGPUThroughCDI(t *testing.T) {
	require.Nil(t, gpuRequest(system.Info{}))
	require.Nil(t, gpuRequest(system.Info{DiscoveredDevices: []system.DeviceInfo{{ID: "vendor.com/net=0"}}}))
	got := gpuRequest(system.Info{DiscoveredDevices: []system.DeviceInfo{{ID: "nvidia.com/gpu=0"}, {ID: "nvidia.com/gpu=all"}}})
	require.Equal(t, &container.DeviceRequest{Driver: "cdi", DeviceIDs: []string{"nvidia.com/gpu=all"}}, got)
}

func TestPlaceOf(t *testing.T) {
	bridge := netip.MustParseAddr("172.17.0.1")
	own := []netip.Addr{netip.MustParseAddr("127.0.0.1"), bridge}
	check := func(daemon string, dockerenv bool, own []netip.Addr, want place) {
		t.Helper()
		require.Equal(t, want, placeOf(daemon, dockerenv, bridge, own))
	}
	here := place{host: "127.0.0.1", local: true}
	check("unix:///var/run/docker.sock", false, nil, here)
	check("unix:///var/run/docker.sock", true, own, here)
	check("unix:///var/run/docker.sock", true, own[:1], place{host: "172.17.0.1"}) // in a container that was given the socket
	check("npipe:////./pipe/docker_engine", false, nil, here)
	check("tcp://192.0.2.7:2376", false, own, place{host: "192.0.2.7"})
	check("tcp://127.0.0.1:2375", true, own, place{host: "127.0.0.1"})
}

func TestPackStore(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "model.json"), "{}")
	write(t, filepath.Join(dir, "weights"), "0123456789")
	var b bytes.Buffer
	require.NoError(t, packStore(store{dir: dir, model: "tiny"}, &b))
	got := map[string]string{}
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		got[h.Name] = string(content)
	}
	require.Equal(t, map[string]string{"tiny/": "", "tiny/model.json": "{}", "tiny/weights": "0123456789"}, got)
	require.ErrorIs(t, packStore(store{dir: dir + "/absent"}, io.Discard), os.ErrNotExist)
}
