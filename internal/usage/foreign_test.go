package usage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
)

// statPage is a /proc/stat of cores that are busy, idle and stolen for so many ticks each.
func statPage(cores ...[3]int) []byte {
	var b strings.Builder
	b.WriteString("cpu  1 2 3 4 5 6 7 8 0 0\n")
	for i, c := range cores {
		fmt.Fprintf(&b, "cpu%d %d 0 0 %d 0 0 0 %d 0 0\n", i, c[0], c[1], c[2])
	}
	b.WriteString("intr 5 0 0\nctxt 7\n")
	return []byte(b.String())
}

// ours is CPU time that grows with the clock by a share of a core.
type ours struct {
	from  time.Time
	share float64
}

func (o ours) On(cpuset.Set) (time.Duration, error) {
	return time.Duration(o.share * float64(time.Since(o.from))), nil
}

// machine is two cores whose idle time grows by shares, which may change.
type machine struct {
	mu     sync.Mutex
	last   time.Time
	free   [2]float64 // ticks so far
	stolen [2]float64
	idle   [2]float64 // share of the time
	steal  [2]float64
}

// becomes changes how idle core 1 is from now on.
func (m *machine) becomes(idle float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pass()
	m.idle[1] = idle
}

func (m *machine) pass() {
	ticks := time.Since(m.last).Seconds() * 100
	m.last = time.Now()
	for i := range m.free {
		m.free[i] += m.idle[i] * ticks
		m.stolen[i] += m.steal[i] * ticks
	}
}

func (m *machine) stat() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pass()
	return statPage([3]int{0, int(m.free[0]), int(m.stolen[0])}, [3]int{0, int(m.free[1]), int(m.stolen[1])}), nil
}

// TestForeignIsWhatIsNeitherFreeNorOurs: the client uses 30 % of core 0, of
// which 60 % are free; the server half of core 1, which is never free, and a
// twentieth of which is stolen.
func TestForeignIsWhatIsNeitherFreeNorOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{last: time.Now(), idle: [2]float64{0.6, 0}, steal: [2]float64{0, 0.05}}
		f := Foreign{Stat: m.stat, Sides: []Side{
			{Cores: cpuset.Set{1}, Own: []Own{ours{time.Now(), 0.4}, ours{time.Now(), 0.1}}},
			{Cores: cpuset.Set{0}, Own: []Own{ours{time.Now(), 0.3}}},
			{Cores: cpuset.Set{0, 1}, Own: []Own{ours{time.Now(), 0.8}}}, // as when both share all cores
		}}
		w, err := f.Watch(100 * time.Millisecond)
		require.NoError(t, err)
		time.Sleep(4050 * time.Millisecond) // virtual
		got, err := w.Stop()
		require.NoError(t, err)
		require.InDelta(t, 45, got[0].Foreign, 0.6)
		require.InDelta(t, 5, got[0].Steal, 0.6)
		require.InDelta(t, 10, got[1].Foreign, 0.6)
		require.InDelta(t, 10, got[1].Worst, 2)
		require.Zero(t, got[1].Steal)
		require.InDelta(t, 27.5, got[2].Foreign, 0.6)
	})
}

// TestTheWorstSecondIsKept: a second of somebody else in a window of ten is a
// tenth of the window and all of its worst second.
func TestTheWorstSecondIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{last: time.Now(), idle: [2]float64{1, 1}}
		w, err := Foreign{Stat: m.stat, Sides: []Side{{Cores: cpuset.Set{1}}}}.Watch(100 * time.Millisecond)
		require.NoError(t, err)
		time.Sleep(4210 * time.Millisecond)
		m.becomes(0)
		time.Sleep(time.Second)
		m.becomes(1)
		time.Sleep(4790 * time.Millisecond)
		got, err := w.Stop()
		require.NoError(t, err)
		require.InDelta(t, 10, got[0].Foreign, 0.3)
		require.InDelta(t, 100, got[0].Worst, 8)
	})
}

func TestACounterThatGoesBackIsNoForeignLoad(t *testing.T) {
	at := time.Now()
	a := reading{at, []counters{{free: time.Second, own: time.Second}}}
	b := reading{at.Add(time.Second), []counters{{free: 1990 * time.Millisecond, own: 990 * time.Millisecond}}}
	require.InDelta(t, 1, between(a, b, 0, 1).Foreign, 1e-9)
	b.sides[0].own += 500 * time.Millisecond
	require.Zero(t, between(a, b, 0, 1).Foreign, "more of ours than the core had: a tick too late")
	require.Equal(t, Share{}, between(a, a, 0, 1))
}

func TestWatchSaysWhatItCannotRead(t *testing.T) {
	page := statPage([3]int{1, 2, 3})
	f := Foreign{Stat: func() ([]byte, error) { return page, nil }, Sides: []Side{{Cores: cpuset.Set{3}}}}
	_, err := f.Watch(time.Second)
	require.EqualError(t, err, "watch the cores: core 3 is not in /proc/stat")
	_, err = Foreign{}.Watch(time.Second)
	require.EqualError(t, err, "watch the cores: none are given")
	f.Sides[0].Cores = cpuset.Set{0}
	w, err := f.Watch(time.Hour)
	require.NoError(t, err)
	f.Sides[0].Own = nil
	page = []byte("intr 1\n")
	_, err = w.Stop()
	require.EqualError(t, err, "watch the cores: /proc/stat names no core")
	f.Stat = func() ([]byte, error) { return nil, errors.New("it is gone") }
	_, err = f.Watch(time.Second)
	require.EqualError(t, err, "watch the cores: it is gone")
}

func TestParseCores(t *testing.T) {
	got, err := parseCores([]byte("cpu  9 9 9 9\ncpu0 1 2 3 100 50 6 7 8 9 10\ncpu12 1 1 1 10 0\nintr 0\ncpu3 broken\n"))
	require.NoError(t, err)
	require.Equal(t, map[int]coreTimes{0: {free: 1500 * time.Millisecond, stolen: 80 * time.Millisecond}, 12: {free: 100 * time.Millisecond}}, got)
	for in, want := range map[string]string{
		"":                        "names no core",
		"cpu 1 2 3 4 5":           "names no core",
		"cpu0 1 2 3":              "has 4 fields",
		"cpux 1 2 3 4 5 6 7 8":    "is of no core",
		"cpu0 1 2 3 -4 5 6 7 8":   "invalid syntax",
		"cpu0 1 2 3 4 5 6 7 1e99": "invalid syntax",
	} {
		_, err := parseCores([]byte(in))
		require.ErrorContains(t, err, want, in)
	}
}

func FuzzParseCores(f *testing.F) {
	f.Add(statPage([3]int{1, 2, 3}, [3]int{4, 5, 6}))
	f.Add([]byte("cpu0 1 2 3 274877906943 274877906943 6 7 274877906943\n"))
	f.Add([]byte("cpu99999 1\ncpu"))
	f.Fuzz(func(t *testing.T, in []byte) {
		cores, err := parseCores(in)
		if err != nil {
			return
		}
		require.NotEmpty(t, cores)
		for _, c := range cores {
			require.GreaterOrEqual(t, c.free, time.Duration(0))
			require.GreaterOrEqual(t, c.stolen, time.Duration(0))
		}
	})
}

// TestForeignLive: what this machine does now is a share of its cores.
func TestForeignLive(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on " + runtime.GOOS)
	}
	all, err := cpuset.Usable()
	require.NoError(t, err)
	w, err := Foreign{Sides: []Side{{Cores: all, Own: []Own{Myself()}}}}.Watch(10 * time.Millisecond)
	require.NoError(t, err)
	burn(t, must(Self()))
	got, err := w.Stop()
	require.NoError(t, err)
	require.GreaterOrEqual(t, got[0].Foreign, 0.0)
	require.LessOrEqual(t, got[0].Foreign, 100.0)
}

func must(d time.Duration, err error) time.Duration {
	if err != nil {
		panic(err)
	}
	return d
}

// quotaV1 is the tree of the case cpu-quota: 60 ms of every 100, in a group below another.
func quotaV1(t *testing.T) string {
	return files(t, map[string]string{
		"proc/self/mountinfo": mountsV1,
		"proc/7/cgroup":       "3:cpu,cpuacct:/docker/abc\n0::/\n",
		"proc/8/cgroup":       "3:cpu,cpuacct:/docker\n0::/\n",
		"sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us":  "60000\n",
		"sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.stat":          "nr_periods 659\nnr_throttled 616\nthrottled_time 5\n",
		"sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us":      "-1\n",
		"sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us":     "100000\n",
		"sys/fs/cgroup/cpu,cpuacct/docker/cpu.stat":              "nr_periods 9\nnr_throttled 3\nthrottled_time 5\n",
	})
}

func TestQuotaVersion1(t *testing.T) {
	root := quotaV1(t)
	require.InDelta(t, 0.6, quotaAt(root, 7), 1e-9)
	require.Zero(t, quotaAt(root, 8))
	require.EqualValues(t, 619, throttledAt(root, 7))
	require.EqualValues(t, 619, throttledAt(root, 7, 8), "the group above is both's and counts once")
	require.Zero(t, quotaAt(root, 99))
}

func TestQuotaVersion2(t *testing.T) {
	root := v2(t, map[string]string{
		"sys/fs/cgroup/system.slice/docker-abc.scope/cpu.max":  "250000 100000\n",
		"sys/fs/cgroup/system.slice/docker-abc.scope/cpu.stat": "usage_usec 5\nnr_throttled 4\n",
		"sys/fs/cgroup/system.slice/cpu.max":                   "150000 100000\n", // the tighter one holds
		"sys/fs/cgroup/system.slice/cpu.stat":                  "nr_throttled 1\n",
	})
	require.InDelta(t, 1.5, quotaAt(root, 7), 1e-9)
	require.EqualValues(t, 5, throttledAt(root, 7))
	require.NoError(t, os.WriteFile(filepath.Join(root, "sys/fs/cgroup/system.slice/cpu.max"), []byte("max 100000\n"), 0o644))
	require.InDelta(t, 2.5, quotaAt(root, 7), 1e-9)
}

func FuzzParseMax(f *testing.F) {
	f.Add([]byte("max 100000\n"))
	f.Add([]byte("60000 100000"))
	f.Add([]byte("1 0"))
	f.Fuzz(func(t *testing.T, in []byte) {
		q := parseMax(in)
		require.False(t, q < 0 || q != q || q > 1e19, q)
	})
}

func TestCensusNamesWhoElseWorked(t *testing.T) {
	line := func(pid int, name string, parent, core, ticks, start int) string {
		return strings.TrimSuffix(statLine(pid, name, parent, pid, [4]int{ticks, 0, 0, 0}, start), "417 0 0\n") +
			fmt.Sprintf("417 0 0 0 0 0 0 0 0 0 0 0 0 0 17 %d 0 0\n", core)
	}
	root := files(t, map[string]string{
		"proc/10/stat": line(10, "bench", 1, 0, 0, 5),
		"proc/11/stat": line(11, "server", 10, 1, 0, 6),
		"proc/20/stat": line(20, "old", 1, 1, 1000, 7),
		"proc/21/stat": line(21, "idle", 1, 1, 3, 8),
	})
	before := censusAt(root)
	write := func(pid int, text string) {
		dir := filepath.Join(root, "proc", fmt.Sprint(pid))
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "stat"), []byte(text), 0o644))
	}
	write(10, line(10, "bench", 1, 0, 90, 5))
	write(11, line(11, "server", 10, 1, 90, 6))
	write(20, line(20, "old", 1, 1, 1041, 7))
	write(4711, line(4711, "cc1\x1b[2J", 20, 1, 70, 99))
	after := censusAt(root)
	after.at = before.at.Add(time.Second)
	require.Equal(t, []Holder{
		{4711, "cc1?[2J", 1, 700 * time.Millisecond},
		{20, "old", 1, 410 * time.Millisecond},
	}, after.Since(before, 10))
	require.Equal(t, "4711 cc1?[2J", after.Since(before, 10)[0].String())
	after.at = before.at.Add(100 * time.Millisecond)
	require.Equal(t, 100*time.Millisecond, after.Since(before, 10)[0].CPU, "no more than the span has")
}

func TestRoamingIsPutDownToTheCoreOfEachThread(t *testing.T) {
	line := func(tid, core, ticks int) string {
		return strings.TrimSuffix(statLine(tid, "docker-proxy", 1, 30, [4]int{ticks, 0, 0, 0}, 5), "417 0 0\n") +
			fmt.Sprintf("417 0 0 0 0 0 0 0 0 0 0 0 0 0 17 %d 0 0\n", core)
	}
	root := files(t, map[string]string{
		"proc/30/task/30/stat": line(30, 0, 10),
		"proc/30/task/31/stat": line(31, 1, 20),
		"proc/30/cmdline":      "/usr/bin/docker-proxy\x00-proto\x00tcp\x00-host-ip\x00127.0.0.1\x00-host-port\x0032768\x00-container-port\x008000\x00",
		"proc/31/cmdline":      "/usr/bin/docker-proxy\x00-proto\x00tcp\x00-host-port\x0032769\x00",
		"proc/32/cmdline":      "cat\x00-host-port\x0032768\x00",
		"proc/33/cmdline":      "",
	})
	require.Equal(t, []int{30}, forwardersAt(root, []string{"32768", "9"}))
	require.Empty(t, forwardersAt(root, []string{"8000"}))

	r := roamingAt(root, 30)
	on := func(core int) time.Duration { return must(r.On(cpuset.Set{core})) }
	require.Equal(t, 100*time.Millisecond, on(0))
	require.Equal(t, 200*time.Millisecond, on(1))
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/30/task/31/stat"), []byte(line(31, 0, 25)), 0o644))
	require.Equal(t, 150*time.Millisecond, on(0), "the thread moved to core 0")
	require.Equal(t, 200*time.Millisecond, on(1))
	require.NoError(t, os.RemoveAll(filepath.Join(root, "proc/30")))
	require.Equal(t, 150*time.Millisecond, on(0), "what it used stays used")
}

func FuzzForwards(f *testing.F) {
	f.Add([]byte("docker-proxy\x00-host-port\x001\x00"))
	f.Add([]byte{})
	f.Add([]byte("docker-proxy\x00-host-port"))
	f.Fuzz(func(t *testing.T, in []byte) { forwards(in, []string{"1"}) })
}
