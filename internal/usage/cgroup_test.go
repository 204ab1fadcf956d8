package usage

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	mountsV1 = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:7 - cgroup cgroup rw,cpu,cpuacct
36 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
	pathsV1  = "5:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n"
	mountsV2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
	pathsV2  = "0::/system.slice/docker-abc.scope\n"
)

func v1(t *testing.T) string {
	return files(t, map[string]string{
		"proc/self/stat":      "",
		"proc/self/mountinfo": mountsV1,
		"proc/7/cgroup":       pathsV1,
		"sys/fs/cgroup/cpu,cpuacct/docker/abc/cpuacct.usage":          "12345678901\n",
		"sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes":       "1000000\n",
		"sys/fs/cgroup/memory/docker/abc/memory.max_usage_in_bytes":   "1500000\n",
		"sys/fs/cgroup/memory/docker/abc/memory.stat":                 "cache 1\nshmem 1\ntotal_cache 400000\ntotal_shmem 100000\n",
		"sys/fs/cgroup/memory/docker/other/memory.max_usage_in_bytes": "9\n",
		"sys/fs/cgroup/unified/cgroup.procs":                          "7\n",
	})
}

func TestCgroupVersion1(t *testing.T) {
	src, err := cgroupAt(v1(t), 7)
	require.NoError(t, err)
	s, err := src.Read()
	require.NoError(t, err)
	require.Equal(t, 12345678901*time.Nanosecond, s.CPU)
	require.Equal(t, int64(700000), s.Memory)
	require.Equal(t, int64(300000), s.File)
	require.Equal(t, int64(1200000), s.Peak)
}

func v2(t *testing.T, extra map[string]string) string {
	tree := map[string]string{
		"proc/self/stat":      "",
		"proc/self/mountinfo": mountsV2,
		"proc/7/cgroup":       pathsV2,
		"sys/fs/cgroup/system.slice/docker-abc.scope/cpu.stat":       "usage_usec 2500000\nuser_usec 2000000\n",
		"sys/fs/cgroup/system.slice/docker-abc.scope/memory.current": "1000000\n",
		"sys/fs/cgroup/system.slice/docker-abc.scope/memory.stat":    "anon 500000\nfile 400000\nshmem 100000\n",
	}
	for k, v := range extra {
		tree[k] = v
	}
	return files(t, tree)
}

func TestCgroupVersion2(t *testing.T) {
	src, err := cgroupAt(v2(t, nil), 7)
	require.NoError(t, err)
	s, err := src.Read()
	require.NoError(t, err)
	require.Equal(t, 2500*time.Millisecond, s.CPU)
	require.Equal(t, int64(700000), s.Memory)
	require.Zero(t, s.Peak, "kernels before 5.19 have no memory.peak")

	src, err = cgroupAt(v2(t, map[string]string{"sys/fs/cgroup/system.slice/docker-abc.scope/memory.peak": "1800000\n"}), 7)
	require.NoError(t, err)
	s, err = src.Read()
	require.NoError(t, err)
	require.Equal(t, int64(1500000), s.Peak)
}

func TestCgroupSeenFromInsideAContainer(t *testing.T) {
	root := v2(t, map[string]string{
		"proc/self/mountinfo":    "30 23 0:26 /system.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
		"proc/8/cgroup":          "0::/../../docker-other.scope\n",
		"proc/9/cgroup":          "0::/system.slicer/x\n",
		"sys/fs/cgroup/cpu.stat": "",
	})
	// The mount shows /system.slice as its top.
	moved := filepath.Join(root, "sys/fs/cgroup/docker-abc.scope")
	require.NoError(t, os.Rename(filepath.Join(root, "sys/fs/cgroup/system.slice/docker-abc.scope"), moved))
	_, err := cgroupAt(root, 7)
	require.NoError(t, err)
	for _, pid := range []int{8, 9} {
		_, err = cgroupAt(root, pid)
		require.ErrorContains(t, err, "no memory and cpu controllers are mounted")
	}
	_, err = cgroupAt(root, 10)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCgroupThatGoesAway(t *testing.T) {
	root := v1(t)
	src, err := cgroupAt(root, 7)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "sys/fs/cgroup/cpu,cpuacct/docker/abc/cpuacct.usage"), []byte("soon\n"), 0o644))
	_, err = src.Read()
	require.ErrorContains(t, err, `cpuacct.usage holds "soon\n", not a count`)
	require.NoError(t, os.RemoveAll(filepath.Join(root, "sys/fs/cgroup/memory/docker/abc")))
	_, err = src.Read()
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCgroupLive(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there are no cgroups on " + runtime.GOOS)
	}
	src, err := Cgroup(os.Getpid())
	if err != nil {
		t.Skip("this process's own cgroup cannot be read: " + err.Error())
	}
	before, err := src.Read()
	require.NoError(t, err)
	require.Positive(t, before.Memory)
	used, err := Self()
	require.NoError(t, err)
	burn(t, used)
	after, err := src.Read()
	require.NoError(t, err)
	require.GreaterOrEqual(t, after.CPU-before.CPU, 25*time.Millisecond)
}

func FuzzMounts(f *testing.F) {
	f.Add(mountsV1, pathsV1)
	f.Add(mountsV2, pathsV2)
	f.Add("1 1 1:1 /a\\040b /c - cgroup c memory\n", "1:memory:/a b/x\n")
	f.Add(" - \n", "::\n")
	f.Fuzz(func(t *testing.T, mounts, paths string) {
		for _, c := range []string{"", "memory", "cpuacct"} {
			if p, ok := folder(parseMounts([]byte(mounts)), parsePaths([]byte(paths)), c); ok {
				require.NotContains(t, strings.Split(strings.TrimPrefix(p, "/"), "/"), "", p)
			}
		}
	})
}

func FuzzKeyed(f *testing.F) {
	f.Add("cache 1\ntotal_cache 400000\n", "total_cache")
	f.Add("file -1\nfile 99999999999999999999\n", "file")
	f.Fuzz(func(t *testing.T, in, key string) {
		require.GreaterOrEqual(t, keyed([]byte(in), key), int64(0))
	})
}

func BenchmarkRead(b *testing.B) {
	for name, open := range map[string]func(int) (Source, error){"cgroup": Cgroup, "tree": Tree} {
		b.Run(name, func(b *testing.B) {
			src, err := open(os.Getpid())
			if err != nil {
				b.Skip(err.Error())
			}
			for b.Loop() {
				if _, err := src.Read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
