package boot

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// asked is what testcontainers is asked for of a stack's image.
func asked(s Spec, st store) (container.Config, container.HostConfig) {
	var c container.Config
	var hc container.HostConfig
	req := request(s, s.image().Ref, st, place{local: true}, nil)
	req.ConfigModifier(&c)
	req.HostConfigModifier(&hc)
	return c, hc
}

func TestOurImagesAreHardened(t *testing.T) {
	s := Spec{Memory: memoryLimit(10 << 30), Stack: stack.Stack{Name: "x", Container: &stack.Container{
		Images: map[stack.Device]stack.Image{stack.CPU: {Ref: "x:1", Build: &stack.Build{}}},
		Writes: []string{"/var/x"},
		Files:  func(stack.Run) (stack.Files, error) { return stack.Files{}, nil },
	}}}
	c, hc := asked(s, store{dir: "/s/m", model: "m", closed: true})
	require.Equal(t, "65532:65532", c.User)
	require.Equal(t, []string{"HOME=/tmp", "USER=stackbench"}, c.Env)
	require.Equal(t, map[string]struct{}{"/models": {}, "/repository": {}}, c.Volumes, "what is copied in has a place to be copied to")
	require.Equal(t, []string{"ALL"}, hc.CapDrop)
	require.Equal(t, []string{"no-new-privileges:true"}, hc.SecurityOpt)
	require.True(t, hc.ReadonlyRootfs)
	require.Equal(t, map[string]string{"/tmp": inMemory, "/var/x": inMemory}, hc.Tmpfs)
	require.Equal(t, int64(4096), *hc.PidsLimit)
	require.Equal(t, int64(8<<30), hc.Memory, "four fifths of the machine")
	require.Equal(t, hc.Memory, hc.MemorySwap)
}

// A makers' own image is its makers' business: its user may own what it reads.
func TestMakersImagesKeepTheirUser(t *testing.T) {
	s := Spec{Stack: gpuStack(), Run: stack.Run{Device: stack.GPU}}
	c, hc := asked(s, store{dir: "/s/m", model: "m"})
	require.Empty(t, c.User)
	require.Empty(t, c.Env)
	require.Empty(t, c.Volumes)
	require.Empty(t, hc.CapDrop)
	require.False(t, hc.ReadonlyRootfs)
	require.Equal(t, []string{"no-new-privileges:true"}, hc.SecurityOpt)
	require.Equal(t, int64(4096), *hc.PidsLimit)

	s.Stack.Container.Images[stack.GPU] = stack.Image{Ref: "x:1", Build: &stack.Build{}}
	require.True(t, s.ours())
	t.Setenv("STACKBENCH_IMAGE_TRITON", "somebody/triton:1")
	require.False(t, s.ours(), "nor is one that the user named")
}

func TestAServerReallyStartsHardened(t *testing.T) {
	s := described(t)
	srv := start(t, s)
	status := read(t, srv, "/proc/self/status")
	for _, line := range []string{`Uid:\s65532\s65532\s65532\s65532`, `Gid:\s65532\s`, `CapEff:\s0+\n`, `CapBnd:\s0+\n`, `NoNewPrivs:\s1`} {
		require.Regexp(t, line, status)
	}
	require.ErrorContains(t, post(srv, "/file/new"), "read-only file system")
	require.ErrorContains(t, post(srv, "/file/models/tiny/new"), "read-only file system")
	require.NoError(t, post(srv, "/file/tmp/new"))
	require.NoError(t, post(srv, "/file/repository/tiny/1/plan"), "the files of its stack are its own")

	info, err := docker(t).cli.ContainerInspect(t.Context(), srv.run.(*containerServer).c.GetContainerID(), inspectNothingMore)
	require.NoError(t, err)
	require.Equal(t, memoryLimit(docker(t).info.MemTotal), info.Container.HostConfig.Memory)
	require.Positive(t, info.Container.HostConfig.Memory)
}

// A store that only its owner may read is copied, since the server is somebody
// else; so the server reads what it could not in a mount.
func TestAClosedStoreIsCopied(t *testing.T) {
	s := containerSpec(t, "ok")
	s.Run.Models, s.Run.Model.Name = t.TempDir(), "tiny"
	file := filepath.Join(s.Run.Models, "tiny/model.json")
	write(t, file, "{closed}")
	st, err := storeOf(s)
	require.NoError(t, err)
	require.False(t, st.closed)
	require.NoError(t, os.Chmod(file, 0o600))
	st, err = storeOf(s)
	require.NoError(t, err)
	require.True(t, st.closed)
	srv := start(t, s)
	got, err := get(t.Context(), srv.Endpoint, "/model")
	require.NoError(t, err)
	require.Equal(t, "{closed} writable=false", got)
}

func post(srv *Server, path string) error {
	res, err := http.Post("http://"+srv.Endpoint.REST+path, "", nil)
	if err != nil {
		return err
	}
	return answerOf(res)
}
