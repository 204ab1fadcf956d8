package cpuset

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// pinned is what the helper process tells about itself after Pin.
type pinned struct {
	Threads []string // the allowed cores of each thread
	Procs   int
	Child   string // the allowed cores of a child it started
}

// TestPin pins a child process, never the test's own, and reads the kernel's
// view of all its threads.
func TestPin(t *testing.T) {
	if to := os.Getenv("CPUSET_PIN_TO"); to != "" {
		require.NoError(t, json.NewEncoder(os.Stdout).Encode(pinSelf(t, to)))
		return
	}
	all, err := Usable()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	last := all[len(all)-1:].String()

	cmd := exec.Command(os.Args[0], "-test.run=^TestPin$")
	cmd.Env = append(os.Environ(), "CPUSET_PIN_TO="+last)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	var got pinned
	line, _, _ := strings.Cut(string(out), "\n")
	require.NoError(t, json.Unmarshal([]byte(line), &got), string(out))
	require.Equal(t, 1, got.Procs)
	require.GreaterOrEqual(t, len(got.Threads), 4)
	for _, cores := range got.Threads {
		require.Equal(t, last, cores)
	}
	require.Equal(t, last, got.Child)
}

func pinSelf(t *testing.T, to string) pinned {
	// Threads that exist already, held by locked goroutines, must move too.
	hold := make(chan struct{})
	defer close(hold)
	ready := make(chan struct{})
	for range 4 {
		go func() {
			runtime.LockOSThread()
			ready <- struct{}{}
			<-hold
		}()
		<-ready
	}
	s, err := Parse(to)
	require.NoError(t, err)
	note, err := Pin(s)
	require.NoError(t, err)
	require.Empty(t, note)
	tids, err := threads()
	require.NoError(t, err)
	got := pinned{Procs: runtime.GOMAXPROCS(0)}
	for _, tid := range tids {
		var mask unix.CPUSet
		require.NoError(t, unix.SchedGetaffinity(tid, &mask))
		got.Threads = append(got.Threads, cores(mask).String())
	}
	status, err := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status").Output()
	require.NoError(t, err)
	got.Child = strings.TrimSpace(strings.TrimPrefix(string(status), "Cpus_allowed_list:"))
	return got
}

func cores(mask unix.CPUSet) (out Set) {
	for c := range maxCore + 1 {
		if mask.IsSet(c) {
			out = append(out, c)
		}
	}
	return out
}

func TestPinRefusesNoCores(t *testing.T) {
	_, err := Pin(nil)
	require.ErrorContains(t, err, "no cores given")
}

func TestPinThreadOfACoreThatIsNotThere(t *testing.T) {
	require.ErrorContains(t, PinThread(Set{1000}), "pin to cores 1000")
}

func TestSiblingsAsTheKernelListsThem(t *testing.T) {
	root := t.TempDir()
	for cpu, list := range map[string]string{"0": "0,4\n", "5": "4-5\n", "6": "what?\n"} {
		dir := filepath.Join(root, "sys/devices/system/cpu/cpu"+cpu, "topology")
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "thread_siblings_list"), []byte(list), 0o644))
	}
	require.Equal(t, Set{0, 4}, siblingsAt(root, 0))
	require.Equal(t, Set{4, 5}, siblingsAt(root, 5))
	require.Nil(t, siblingsAt(root, 6))
	require.Nil(t, siblingsAt(root, 7))
}
