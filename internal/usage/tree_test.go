package usage

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// files writes path → content under a temporary root.
func files(t *testing.T, tree map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range tree {
		p := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, []byte(content), 0o644))
	}
	return root
}

// statLine is a /proc/PID/stat with the times that matter, in ticks.
func statLine(pid int, name string, parent, group int, times [4]int, start int) string {
	return fmt.Sprintf("%d (%s) S %d %d 9 0 -1 4194304 101 0 0 0 %d %d %d %d 20 0 1 0 %d 3133440 417 0 0\n",
		pid, name, parent, group, times[0], times[1], times[2], times[3], start)
}

func statusText(high, anon, file, shmem int) string {
	return fmt.Sprintf("Name:\tx\nVmHWM:\t%8d kB\nVmRSS:\t%8d kB\nRssAnon:\t%8d kB\nRssFile:\t%8d kB\nRssShmem:\t%8d kB\nThreads:\t4\n",
		high, anon+file+shmem, anon, file, shmem)
}

func TestTree(t *testing.T) {
	root := files(t, map[string]string{
		"proc/self/stat":   statLine(1, "test", 0, 1, [4]int{}, 1),
		"proc/100/stat":    statLine(100, "server", 1, 100, [4]int{100, 50, 20, 10}, 777),
		"proc/100/status":  statusText(900, 300, 100, 50),
		"proc/101/stat":    statLine(101, "a (b) c) d", 100, 101, [4]int{7, 0, 0, 0}, 778), // a child with a group of its own
		"proc/101/status":  statusText(50, 10, 5, 0),
		"proc/102/stat":    statLine(102, "grandchild", 101, 101, [4]int{0, 3, 0, 0}, 779),
		"proc/102/status":  statusText(0, 1, 0, 0),
		"proc/103/stat":    statLine(103, "daemon", 1, 100, [4]int{1, 0, 0, 0}, 780), // left the family, kept the group
		"proc/103/status":  statusText(0, 2, 0, 0),
		"proc/200/stat":    statLine(200, "stranger", 1, 200, [4]int{1000, 0, 0, 0}, 5),
		"proc/200/status":  statusText(9000, 9000, 0, 0),
		"proc/104/stat":    "half a li",
		"proc/meminfo":     "MemTotal: 1 kB\n",
		"proc/100/ignored": "",
	})
	src, err := treeAt(root, 100)
	require.NoError(t, err)
	s, err := src.Read()
	require.NoError(t, err)
	require.Equal(t, 1910*time.Millisecond, s.CPU) // 180 + 7 + 3 + 1 ticks
	require.Equal(t, int64(363<<10), s.Memory)
	require.Equal(t, int64(105<<10), s.File)
	require.Zero(t, s.Peak, "several processes: the kernel keeps no common mark")

	require.ElementsMatch(t, []int{100, 101, 102, 103}, processesAt(root, 100))
	require.Nil(t, processesAt(root, 9))

	// The process ends and its number is given to another.
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/100/stat"), []byte(statLine(100, "new", 1, 100, [4]int{}, 999)), 0o644))
	_, err = src.Read()
	require.ErrorContains(t, err, "its number belongs to another process now")
	require.NoError(t, os.RemoveAll(filepath.Join(root, "proc/100")))
	_, err = src.Read()
	require.EqualError(t, err, "usage of process 100: no such process")
}

func rollup(anon, file, shmem int) string {
	return fmt.Sprintf("55d0-7ffc ---p 00000000 00:00 0 [rollup]\nRss: %8d kB\nPss: %8d kB\nPss_Dirty: 9 kB\nPss_Anon: %8d kB\nPss_File: %8d kB\nPss_Shmem: %8d kB\n",
		4*(anon+file+shmem), anon+file+shmem, anon, file, shmem)
}

// A server of 300 MB that forked three workers, which only read, and that all
// have 200 MB of shared memory mapped, holds 500 MB and not 2,000.
func TestTreeCountsSharedMemoryOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mb = 1 << 10 // in kB
		tree := map[string]string{"proc/self/stat": statLine(1, "test", 0, 1, [4]int{}, 1)}
		for i := range 4 {
			dir := fmt.Sprintf("proc/%d/", 100+i)
			tree[dir+"stat"] = statLine(100+i, "server", []int{1, 100, 100, 100}[i], 100, [4]int{}, 777)
			tree[dir+"status"] = statusText(600*mb, 300*mb, 20*mb, 200*mb)
			tree[dir+"smaps_rollup"] = rollup(75*mb, 5*mb, 50*mb)
		}
		root := files(t, tree)
		src, err := treeAt(root, 100)
		require.NoError(t, err)
		read := func() (memory, file int64) {
			s, err := src.Read()
			require.NoError(t, err)
			return s.Memory >> 20, s.File >> 20
		}
		memory, file := read()
		require.EqualValues(t, 500, memory)
		require.EqualValues(t, 20, file)

		// What is added since is seen at once, what is shared of it after a while.
		require.NoError(t, os.WriteFile(filepath.Join(root, "proc/101/status"), []byte(statusText(900*mb, 400*mb, 20*mb, 200*mb)), 0o644))
		memory, _ = read()
		require.EqualValues(t, 600, memory)
		require.NoError(t, os.WriteFile(filepath.Join(root, "proc/101/smaps_rollup"), []byte(rollup(100*mb, 5*mb, 50*mb)), 0o644))
		time.Sleep(gauge)
		memory, _ = read()
		require.EqualValues(t, 525, memory)

		// A process that may not be asked, or whose kernel tells less, counts whole.
		require.NoError(t, os.Remove(filepath.Join(root, "proc/102/smaps_rollup")))
		require.NoError(t, os.WriteFile(filepath.Join(root, "proc/103/smaps_rollup"), []byte("Pss: 9 kB\n"), 0o644))
		time.Sleep(gauge)
		memory, _ = read()
		require.EqualValues(t, 125+150+500+500, memory)

		// One process shares with none of ours.
		for _, pid := range []string{"101", "102", "103"} {
			require.NoError(t, os.RemoveAll(filepath.Join(root, "proc", pid)))
		}
		memory, _ = read()
		require.EqualValues(t, 500, memory)
	})
}

func FuzzParseRollup(f *testing.F) {
	f.Add(rollup(75, 5, 50))
	f.Add("Pss_Anon: -5 kB\nPss_File: 99999999999999999999 kB\nPss_Shmem")
	f.Fuzz(func(t *testing.T, in string) {
		own, file, _ := parseRollup([]byte(in))
		require.GreaterOrEqual(t, own, int64(0))
		require.GreaterOrEqual(t, file, int64(0))
	})
}

func TestTreeNoticesAChildWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := files(t, map[string]string{
			"proc/self/stat": statLine(1, "test", 0, 1, [4]int{}, 1),
			"proc/100/stat":  statLine(100, "server", 1, 100, [4]int{1, 0, 0, 0}, 777),
		})
		src, err := treeAt(root, 100)
		require.NoError(t, err)
		cpu := func() time.Duration {
			s, err := src.Read()
			require.NoError(t, err)
			return s.CPU
		}
		require.Equal(t, 10*time.Millisecond, cpu())
		child := filepath.Join(root, "proc/101")
		require.NoError(t, os.Mkdir(child, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(child, "stat"), []byte(statLine(101, "c", 100, 101, [4]int{5, 0, 0, 0}, 778)), 0o644))
		require.Equal(t, 10*time.Millisecond, cpu())
		time.Sleep(time.Second) // virtual
		require.Equal(t, 60*time.Millisecond, cpu())
		require.NoError(t, os.RemoveAll(child))
		require.Equal(t, 10*time.Millisecond, cpu())
	})
}

func TestTreeOfOneProcessHasAPeak(t *testing.T) {
	root := files(t, map[string]string{
		"proc/self/stat":  statLine(1, "test", 0, 1, [4]int{}, 1),
		"proc/100/stat":   statLine(100, "server", 1, 100, [4]int{1, 0, 0, 0}, 777),
		"proc/100/status": statusText(900, 300, 100, 50),
	})
	src, err := treeAt(root, 100)
	require.NoError(t, err)
	s, err := src.Read()
	require.NoError(t, err)
	require.Equal(t, int64(800<<10), s.Peak)
}

func TestNoProc(t *testing.T) {
	_, err := treeAt(t.TempDir(), 1)
	require.ErrorIs(t, err, errNoProc)
	_, err = cgroupAt(t.TempDir(), 1)
	require.ErrorIs(t, err, errNoProc)
	_, err = treeAt(files(t, map[string]string{"proc/self/stat": ""}), 1)
	require.EqualError(t, err, "usage of process 1: no such process")
}

// TestTreeLive measures a real helper and its child: the helper's memory and
// CPU must be seen through the parent, and an ended child's CPU must not be lost.
func TestTreeLive(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on " + runtime.GOOS)
	}
	switch os.Getenv("USAGE_HELPER") {
	case "parent":
		cmd := exec.Command(os.Args[0], "-test.run=^TestTreeLive$")
		cmd.Env = append(os.Environ(), "USAGE_HELPER=child")
		require.NoError(t, cmd.Run()) // waited for: its time becomes ours
		helper(t)
		return
	case "child":
		burn(t, 0)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestTreeLive$")
	cmd.Env = append(os.Environ(), "USAGE_HELPER=parent")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)

	src, err := Tree(cmd.Process.Pid)
	require.NoError(t, err)
	s, err := src.Read()
	require.NoError(t, err)
	require.GreaterOrEqual(t, s.Memory, int64(64<<20))
	require.Less(t, s.Memory, int64(256<<20))
	require.GreaterOrEqual(t, s.Peak, s.Memory)
	require.Positive(t, s.File)
	// Each burnt 30 ms; /proc rounds down to 10 ms for user and system time each.
	require.GreaterOrEqual(t, s.CPU, 20*time.Millisecond)

	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	_, err = src.Read()
	require.EqualError(t, err, "usage of process "+strconv.Itoa(cmd.Process.Pid)+": no such process")
}

// helper holds 64 MB and some CPU time until its input ends.
func helper(t *testing.T) {
	block := make([]byte, 64<<20)
	for i := 0; i < len(block); i += 4096 {
		block[i] = 1
	}
	burn(t, 0)
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1))
	runtime.KeepAlive(block)
}

func FuzzParseStat(f *testing.F) {
	f.Add(statLine(101, "a (b) c) d", 100, 101, [4]int{7, 0, 0, 0}, 778))
	f.Add("1 (x")
	f.Add(") (")
	f.Add("")
	f.Add(statLine(1, "", -1, -1, [4]int{1 << 40, 1, 1, 1}, 0))
	f.Fuzz(func(t *testing.T, in string) {
		s, err := parseStat([]byte(in))
		if err == nil {
			require.GreaterOrEqual(t, s.cpu, time.Duration(0))
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	f.Add(statusText(900, 300, 100, 50))
	f.Add("RssAnon:\t-5 kB\nRssFile: 99999999999999999999 kB\nVmHWM")
	f.Fuzz(func(t *testing.T, in string) {
		m := parseStatus([]byte(in))
		for _, n := range []int64{m.anon, m.file, m.shmem, m.high} {
			require.GreaterOrEqual(t, n, int64(0))
		}
	})
}
