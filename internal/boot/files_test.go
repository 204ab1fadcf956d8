package boot

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// described is a container that is given its model and files about it.
func described(t *testing.T) Spec {
	s := containerSpec(t, "ok")
	s.Run.Models, s.Run.Model.Name = t.TempDir(), "tiny"
	write(t, filepath.Join(s.Run.Models, "tiny/model.json"), "{}")
	s.Stack.Container.Files = func(r stack.Run) (stack.Files, error) {
		return stack.Files{
			Content: map[string][]byte{
				r.Model.Name + "/config": fmt.Appendf(nil, "%s of %s", r.Model.Name, r.Files),
				r.Model.Name + "/1/":     nil,
			},
			Links: map[string]string{"tiny/2/spec": "model.json"},
		}, nil
	}
	return s
}

func read(t *testing.T, srv *Server, path string) string {
	t.Helper()
	got, err := get(t.Context(), srv.Endpoint, "/file"+path)
	require.NoError(t, err)
	return got
}

func TestFilesAreThereBeforeTheServer(t *testing.T) {
	srv := start(t, described(t))
	require.Equal(t, "tiny of /repository", read(t, srv, "/repository/tiny/config"))
	require.Equal(t, "folder of 0", read(t, srv, "/repository/tiny/1"))
	require.Equal(t, "{}", read(t, srv, "/repository/tiny/2/spec"))
}

func TestInitialisationLeavesItsFilesToTheServer(t *testing.T) {
	s := described(t)
	s.Stack.Container.Init = func(r stack.Run) []string {
		return []string{"/helper", "-mode=compile", r.Files + "/tiny/2/spec", r.Files + "/tiny/1/plan"}
	}
	e := docker(t)
	srv := start(t, s)
	require.Equal(t, "compiled from {}", read(t, srv, "/repository/tiny/1/plan"))
	require.Equal(t, "tiny of /repository", read(t, srv, "/repository/tiny/config"))
	require.Len(t, mine(t, e, labelRun+"="+self().String()), 2)
	require.NoError(t, srv.Stop(t.Context()))
	require.Empty(t, mine(t, e, labelRun+"="+self().String()))

	s.Stack.Container.Init = func(stack.Run) []string { return []string{"/helper", "-mode=compile", "/absent", "/x"} }
	_, err := Start(t.Context(), s)
	f := failure(t, err)
	require.Equal(t, "start helper: its initialisation exited with code 4", f.What)
	require.Equal(t, "compile: open /absent: no such file or directory", f.Log)
	require.Empty(t, mine(t, e, labelRun+"="+self().String()))
}

func TestFilesThatCannotBeWritten(t *testing.T) {
	s := described(t)
	s.Stack.Container.Files = func(stack.Run) (stack.Files, error) { return stack.Files{}, errors.New("no such layer") }
	_, err := Start(t.Context(), s)
	require.EqualError(t, err, "start helper: describe tiny for it: no such layer")

	for _, f := range []stack.Files{
		{Content: map[string][]byte{"../etc/passwd": nil}}, {Content: map[string][]byte{"/etc/passwd": nil}},
		{Links: map[string]string{"a": "../other/model.json"}}, {Links: map[string]string{"": "model.json"}},
	} {
		require.ErrorContains(t, checkFiles(f), "is not a path inside a folder")
	}
}

func TestPackedFilesAreTheSameEachTime(t *testing.T) {
	f := stack.Files{
		Content: map[string][]byte{"b/c": []byte("x"), "a/": nil, "b/a": nil},
		Links:   map[string]string{"b/d/e": "model.onnx"},
	}
	var one, two bytes.Buffer
	require.NoError(t, packFiles(f, "m", &one))
	require.NoError(t, packFiles(f, "m", &two))
	require.Equal(t, one.Bytes(), two.Bytes())
	var names []string
	for r := tar.NewReader(&one); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		names = append(names, h.Name+h.Linkname)
	}
	require.Equal(t, []string{"a/", "b/", "b/a", "b/c", "b/d/", "b/d/e/models/m/model.onnx"}, names)
}

func TestWrongPort(t *testing.T) {
	s := containerSpec(t, "ok")
	args := s.Stack.Container.Args
	s.Stack.Container.Args = func(r stack.Run) []string {
		r.Listen.REST = "0.0.0.0:9999" // not the one that is published
		return args(r)
	}
	s.Stack.Container.StartLimit = 2 * time.Second
	_, err := Start(t.Context(), s)
	f := failure(t, err)
	require.Contains(t, f.What, "start helper: no correct reply within 2s; the last attempt: ")
	require.Contains(t, f.Cure, "or it may serve something else than what was asked for")
	require.Contains(t, f.Log, "serving")
}
