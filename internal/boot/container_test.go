package boot

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/stack"
)

// testImage is an image of the helper alone.
const testImage = "stackbench-boot-test:helper"

const scratch = "FROM scratch\nCOPY helper /helper\nENTRYPOINT [\"/helper\"]\n"

func helperFile() *fstest.MapFile {
	b, err := os.ReadFile(os.Getenv(helperVariable))
	if err != nil {
		panic(err)
	}
	return &fstest.MapFile{Data: b, Mode: 0o755}
}

func containerStack(mode string) stack.Stack {
	s := helperStack("helper", mode)
	s.Container = &stack.Container{
		Images: map[stack.Device]stack.Image{stack.CPU: {Ref: testImage, Build: &stack.Build{
			Context: fstest.MapFS{
				"Dockerfile": {Data: []byte(scratch)},
				"helper":     helperFile(),
			},
			Dockerfile: "Dockerfile",
		}}},
		Args:       s.Process.Args,
		Ports:      stack.Ports{REST: 8080},
		StartLimit: 30 * time.Second,
	}
	s.Process = nil
	return s
}

// docker skips the test where no daemon can be used.
func docker(t *testing.T) *engine {
	t.Helper()
	e, err := connect(context.Background(), false) // also for clean-ups, when the test's own is over
	if err != nil {
		t.Skip(firstLine(err.Error()))
	}
	return e
}

func containerSpec(t *testing.T, mode string) Spec {
	t.Helper()
	docker(t)
	return Spec{Stack: containerStack(mode), Launcher: Container, Cache: t.TempDir(), Ready: correct}
}

// mine lists the containers that this process, or a bad run of it, owns.
func mine(t *testing.T, e *engine, label string) []string {
	t.Helper()
	l, err := e.cli.ContainerList(context.Background(), client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", label)})
	require.NoError(t, err)
	var out []string
	for _, c := range l.Items {
		out = append(out, c.ID)
	}
	return out
}

func TestContainer(t *testing.T) {
	s := containerSpec(t, "ok")
	e := docker(t)
	all, err := cpuset.Usable()
	require.NoError(t, err)
	s.Cores = all[len(all)-1:]
	srv := start(t, s)
	require.Equal(t, Container, srv.Launcher)
	require.Equal(t, testImage, srv.Image)
	require.True(t, strings.HasPrefix(srv.Digest, "sha256:"), srv.Digest)
	require.True(t, strings.HasPrefix(srv.Endpoint.REST, "127.0.0.1:"), srv.Endpoint.REST)
	require.Positive(t, srv.ReadyIn)
	require.NoError(t, srv.Alive())
	require.Contains(t, srv.Log(), "serving")
	cores, err := get(t.Context(), srv.Endpoint, "/cores")
	require.NoError(t, err)
	require.Equal(t, s.Cores.String(), cores)
	require.Positive(t, srv.PID)
	require.NotEmpty(t, startTime(srv.PID), "its number is this machine's")
	cpu, memory, err := srv.Usage(t.Context())
	require.NoError(t, err)
	require.Positive(t, cpu)
	require.Positive(t, memory)
	require.Len(t, mine(t, e, labelRun+"="+self().String()), 1)

	require.NoError(t, srv.Stop(t.Context()))
	require.Empty(t, mine(t, e, labelRun+"="+self().String()))
	log, err := os.ReadFile(srv.LogFile)
	require.NoError(t, err)
	require.Contains(t, string(log), "ending in order")
	require.NoError(t, srv.Stop(t.Context()), "twice")
}

func TestModelsAreMountedReadOnly(t *testing.T) {
	s := containerSpec(t, "ok")
	s.Run.Models, s.Run.Model.Name = t.TempDir(), "tiny"
	write(t, filepath.Join(s.Run.Models, "tiny/model.json"), "{}")
	srv := start(t, s)
	got, err := get(t.Context(), srv.Endpoint, "/model")
	require.NoError(t, err)
	require.Equal(t, "{} writable=false", got)
}

// A store with links is copied: a link may lead out of what is mounted.
func TestModelsWithLinksAreCopied(t *testing.T) {
	s := containerSpec(t, "ok")
	s.Run.Models, s.Run.Model.Name = t.TempDir(), "tiny"
	elsewhere := filepath.Join(t.TempDir(), "real.json")
	write(t, elsewhere, "{linked}")
	require.NoError(t, os.Mkdir(filepath.Join(s.Run.Models, "tiny"), 0o755))
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(s.Run.Models, "tiny/model.json")))
	srv := start(t, s)
	got, err := get(t.Context(), srv.Endpoint, "/model")
	require.NoError(t, err)
	require.Equal(t, "{linked} writable=false", got)

	s.Run.Model.Name = "absent"
	_, err = Start(t.Context(), s)
	require.Contains(t, failure(t, err).What, "model absent is not in the store")
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
}

func TestContainerThatExitsAtOnce(t *testing.T) {
	s := containerSpec(t, "exit")
	_, err := Start(t.Context(), s)
	f := failure(t, err)
	require.Regexp(t, `^start helper: the server exited with code 3 after \d+\.\d s, before it was ready$`, f.What)
	require.Equal(t, "line one\ncannot open the weights", f.Log)
	require.Empty(t, mine(t, docker(t), labelRun+"="+self().String()))
}

func TestContainerThatIsNeverReady(t *testing.T) {
	s := containerSpec(t, "nonsense")
	s.Stack.Container.StartLimit = time.Second
	_, err := Start(t.Context(), s)
	f := failure(t, err)
	require.Contains(t, f.What, `no correct reply within 1s; the last attempt: the answer is "<html>welcome</html>" and not 42`)
	require.Contains(t, f.Log, "serving")
	require.Empty(t, mine(t, docker(t), labelRun+"="+self().String()))
}

func TestContainerOutOfMemory(t *testing.T) {
	s := containerSpec(t, "ok")
	s.Memory = 32 << 20
	srv := start(t, s)
	_, err := get(t.Context(), srv.Endpoint, "/eat")
	require.Error(t, err)
	<-srv.run.done()
	f := failure(t, srv.Alive())
	require.Equal(t, "helper: the server ran out of memory and was killed: its limit is 33 MB", f.What)
}

func TestWrongImage(t *testing.T) {
	s := containerSpec(t, "ok")
	img := s.Stack.Container.Images[stack.CPU]
	img.Ref = "stackbench-boot-test:no-program"
	img.Build = &stack.Build{Context: fstest.MapFS{"Dockerfile": {Data: []byte("FROM scratch\nCOPY Dockerfile /\nENTRYPOINT [\"/absent\"]\n")}}, Dockerfile: "Dockerfile"}
	s.Stack.Container.Images = map[stack.Device]stack.Image{stack.CPU: img}
	t.Cleanup(func() { removeImage(t, img.Ref) })
	_, err := Start(t.Context(), s)
	f := failure(t, err)
	require.Contains(t, f.What, "image stackbench-boot-test:no-program does not have the program to run")
	require.Contains(t, f.Cure, "check that it is the right image")
	require.Empty(t, mine(t, docker(t), labelRun+"="+self().String()))

	s.Stack.Container.Images[stack.CPU] = stack.Image{Ref: "stackbench-boot-test:never-published"}
	_, err = Start(t.Context(), s)
	f = failure(t, err)
	require.Contains(t, f.What, "pull image stackbench-boot-test:never-published: ")

	s.Run.Device = stack.GPU
	_, err = Start(t.Context(), s)
	var skip *Unavailable
	require.ErrorAs(t, err, &skip)
	require.Equal(t, "helper has no image for the device gpu", skip.Reason)
	require.Equal(t, "measure it on the CPU (--device cpu)", skip.Cure)
}

func removeImage(t *testing.T, ref string) {
	_, err := docker(t).cli.ImageRemove(context.Background(), ref, client.ImageRemoveOptions{Force: true, PruneChildren: true})
	require.NoError(t, err)
}

func TestGPUWithoutARuntime(t *testing.T) {
	e := docker(t)
	if gpuRequest(e.info) != nil {
		t.Skip("this daemon has an NVIDIA runtime")
	}
	s := containerSpec(t, "ok")
	s.Stack.Container.Images[stack.GPU] = s.Stack.Container.Images[stack.CPU]
	s.Run.Device = stack.GPU
	_, err := Start(t.Context(), s)
	var skip *Unavailable
	require.ErrorAs(t, err, &skip)
	require.Equal(t, "Docker has no NVIDIA runtime", skip.Reason)

	// The daemon's own words, had we asked it all the same.
	img, err := e.ensure(t.Context(), s.Stack.Container.Images[stack.CPU], "", io.Discard)
	require.NoError(t, err)
	s.Run.Device = stack.CPU
	c, err := e.create(t.Context(), s, img)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.stop()) })
	id := askForGPU(t, e, img)
	_, err = e.cli.ContainerStart(t.Context(), id, client.ContainerStartOptions{})
	require.ErrorContains(t, err, "could not select device driver")
	require.ErrorAs(t, containerFailure("helper", img.ref, err), &skip)
}

// TestBuildIsRepeatedWhenItsInputsChange builds an image on a base of its own.
func TestBuildIsRepeatedWhenItsInputsChange(t *testing.T) {
	e := docker(t)
	base := stack.Image{Ref: "stackbench-boot-test:base", Build: &stack.Build{
		Context:    fstest.MapFS{"Dockerfile": {Data: []byte("FROM scratch\nCOPY one /one\n")}, "one": {Data: []byte("1")}},
		Dockerfile: "Dockerfile",
	}}
	img := stack.Image{Ref: "stackbench-boot-test:top", Build: &stack.Build{
		Context: fstest.MapFS{
			"docker/Dockerfile": {Data: []byte("ARG BASE=example.invalid/none:1\nFROM ${BASE}\nCOPY helper /helper\n")},
			"helper":            helperFile(),
		},
		Dockerfile: "docker/Dockerfile",
		Base:       &base,
	}}
	t.Cleanup(func() { removeImage(t, img.Ref); removeImage(t, base.Ref) })
	ensure := func() (id, log string) {
		t.Helper()
		var b strings.Builder
		got, err := e.ensure(t.Context(), img, "", &b)
		require.NoError(t, err)
		require.Equal(t, img.Ref, got.ref)
		return got.id, b.String()
	}
	first, log := ensure()
	require.Contains(t, log, "build stackbench-boot-test:base\n")
	require.Contains(t, log, "build stackbench-boot-test:top\n")
	again, log := ensure()
	require.Equal(t, first, again)
	require.Empty(t, log)
	base.Build.Context.(fstest.MapFS)["one"].Data = []byte("2")
	changed, log := ensure()
	require.NotEqual(t, first, changed)
	require.Contains(t, log, "build stackbench-boot-test:top\n")
	_, _, err := e.inspect(t.Context(), first)
	require.True(t, errdefs.IsNotFound(err), "what it replaced is gone")
}

func TestImagesAreRemovedWithTheirBases(t *testing.T) {
	e := docker(t)
	const label = "stackbench-boot-test.removal=yes" // not labelContent: other images here are in use
	base := stack.Image{Ref: "stackbench-boot-test:below", Build: &stack.Build{
		Context:    fstest.MapFS{"Dockerfile": {Data: []byte("FROM scratch\nLABEL stackbench-boot-test.removal=yes\nCOPY Dockerfile /one\n")}},
		Dockerfile: "Dockerfile",
	}}
	img := stack.Image{Ref: "stackbench-boot-test:above", Build: &stack.Build{
		Context: fstest.MapFS{
			"Dockerfile": {Data: []byte("ARG BASE\nFROM ${BASE}\nCOPY helper /helper\nENTRYPOINT [\"/helper\", \"-mode=silent\"]\n")},
			"helper":     helperFile(),
		},
		Dockerfile: "Dockerfile",
		Base:       &base,
	}}
	made, err := e.ensure(t.Context(), img, "", io.Discard)
	require.NoError(t, err)
	id := createLabelled(t, e, made, "not ours")
	_, err = e.cli.ContainerStart(t.Context(), id, client.ContainerStartOptions{})
	require.NoError(t, err)
	removed, err := e.removeImages(t.Context(), label)
	require.Empty(t, removed)
	require.Contains(t, failure(t, err).Cure, "end the containers that use it")

	_, err = e.cli.ContainerRemove(t.Context(), id, client.ContainerRemoveOptions{Force: true})
	require.NoError(t, err)
	removed, err = e.removeImages(t.Context(), label)
	require.NoError(t, err)
	var refs []string
	for _, r := range removed {
		refs = append(refs, r.Ref)
		require.Positive(t, r.Bytes)
	}
	require.Equal(t, []string{img.Ref, base.Ref}, refs)
}

func TestBuildThatFails(t *testing.T) {
	e := docker(t)
	img := stack.Image{Ref: "stackbench-boot-test:broken", Build: &stack.Build{
		Context: fstest.MapFS{"Dockerfile": {Data: []byte("FROM scratch\nCOPY absent /\n")}}, Dockerfile: "Dockerfile",
	}}
	_, err := e.ensure(t.Context(), img, "", io.Discard)
	f := failure(t, err)
	require.Contains(t, f.What, "build image stackbench-boot-test:broken: ")
	require.Contains(t, f.Log, "COPY absent")
}
