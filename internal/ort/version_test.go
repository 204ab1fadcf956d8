package ort

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// dylib makes the head of a macOS library: all that is looked at.
func dylib(name string, major, minor, patch uint32) []byte {
	text := append([]byte(name), make([]byte, 8-len(name)%8)...)
	words := []uint32{
		0xfeedfacf, 0x0100000c, 0, 6, 1, uint32(24 + len(text)), 0, 0, // 64-bit, arm64, a library with one command
		0xd, uint32(24 + len(text)), 24, 1, major<<16 | minor<<8 | patch, 0,
	}
	var out []byte
	for _, w := range words {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return append(out, text...)
}

func TestReadVersion(t *testing.T) {
	dir := t.TempDir()
	mac, linux := platform{"darwin", "arm64"}, newFinder(t).triple
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o644))
		return path
	}
	good := write("good.dylib", dylib("@rpath/libonnxruntime.1.dylib", 1, 32, 7))
	version, err := readVersion(good, mac)
	require.NoError(t, err)
	require.Equal(t, "1.32.7", version)
	elf := filepath.Join(dir, "libonnxruntime.so")
	whole := library(t, elf, "1.32.0")
	version, err = readVersion(elf, linux)
	require.NoError(t, err)
	require.Equal(t, "1.32.0", version)

	for want, c := range map[string]struct {
		path string
		p    platform
	}{
		"is not ONNX Runtime":             {write("other.dylib", dylib("@rpath/libother.dylib", 1, 32, 0)), mac},
		"is built for CpuArm64, not for":  {good, platform{"darwin", "amd64"}},
		"is built for":                    {elf, platform{"linux", "s390x"}},
		"is no shared library":            {write("half", whole[:200]), linux},
		"good.dylib is no shared library": {good, linux},
		"no such file":                    {filepath.Join(dir, "none"), mac},
	} {
		_, err := readVersion(c.path, c.p)
		require.ErrorContains(t, err, want)
	}
}

func TestRecentAndNewer(t *testing.T) {
	for version, want := range map[string]bool{
		"1.24.0": true, "1.32.0": true, "2.0.0": true, "1.24": true, "1.23.2": false, "1.9.0": false, "0.99.0": false, "": false, "x.y": false,
	} {
		require.Equal(t, want, recent(version), version)
	}
	require.True(t, newer("1.30.0", "1.9.0"))
	require.True(t, newer("1.30.1", "1.30.0"))
	require.False(t, newer("1.30.0", "1.30.0"))
}

func FuzzReadVersion(f *testing.F) {
	f.Add(dylib("@rpath/libonnxruntime.1.dylib", 1, 32, 7), true)
	f.Add(library(f, filepath.Join(f.TempDir(), "lib.so"), "1.32.0"), false)
	f.Fuzz(func(t *testing.T, data []byte, mac bool) {
		path := filepath.Join(t.TempDir(), "lib")
		require.NoError(t, os.WriteFile(path, data, 0o644))
		p := platform{"linux", "amd64"}
		if mac {
			p = platform{"darwin", "arm64"}
		}
		version, err := readVersion(path, p)
		require.True(t, (err == nil) == (version != ""))
	})
}
