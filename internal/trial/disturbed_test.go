package trial

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/cpuset"
	"stackbench/internal/meter"
	"stackbench/internal/usage"
)

// scene is two cores in virtual time, the client's and the server's: each has
// its own work, what a quiet machine does beside, and perhaps a hog.
type scene struct {
	rng   *rand.Rand
	now   time.Time
	own   [2]bursts
	quiet [2]float64 // share of a core
	hog   [2]float64
	until time.Duration // that the hog works, from the start

	from time.Time
	free [2]float64 // seconds so far
	used [2]float64
}

// bursts is work that comes in bursts.
type bursts struct {
	share float64
	on    bool
	left  int // milliseconds of the burst or the pause
}

func (l *bursts) next(rng *rand.Rand) bool {
	for l.left == 0 {
		l.on = !l.on
		mean := 12.0 // of a pause and a burst
		if l.on {
			mean *= l.share
		} else {
			mean *= 1 - l.share
		}
		l.left = int(math.Round(rng.ExpFloat64() * mean))
	}
	l.left--
	return l.on
}

// pass lets the time pass until now, in steps of a millisecond.
func (s *scene) pass() {
	for ; s.now.Before(time.Now()); s.now = s.now.Add(time.Millisecond) {
		phase := s.now.Sub(s.from)
		for i := range s.own {
			other := 0.0
			if s.rng.Float64() < s.quiet[i]/0.3 { // a third of a millisecond now and then
				other = 0.3
			}
			// A hog works a share of every 100 ms, and gets most of it.
			if phase < s.until && phase%(100*time.Millisecond) < time.Duration(s.hog[i]*1e8) {
				other = 0.85
			}
			own := 0.0
			if s.own[i].next(s.rng) {
				own = 1 - other
			}
			s.used[i] += own / 1e3
			s.free[i] += (1 - own - other) / 1e3
		}
	}
}

func (s *scene) stat() ([]byte, error) {
	s.pass()
	return fmt.Appendf(nil, "cpu0 0 0 0 %d 0 0 0 0\ncpu1 0 0 0 %d 0 0 0 0\nintr 1\n", int(s.free[0]*100), int(s.free[1]*100)), nil
}

// cpuTimes is the CPU time on a core as /proc/PID/stat has it: user and system time,
// each cut to a hundredth of a second.
type cpuTimes struct {
	scene *scene
	core  int
}

func (o cpuTimes) On(cpuset.Set) (time.Duration, error) {
	o.scene.pass()
	user, system := math.Floor(o.scene.used[o.core]*80), math.Floor(o.scene.used[o.core]*20)
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// window watches the scene as a window does, and gives what it saw.
func (s *scene) window(t *testing.T, length time.Duration) meter.Foreign {
	s.now, s.from = time.Now(), time.Now()
	w, err := usage.Foreign{Stat: s.stat, Sides: []usage.Side{
		{Cores: cpuset.Set{1}, Own: []usage.Own{cpuTimes{s, 1}}},
		{Cores: cpuset.Set{0}, Own: []usage.Own{cpuTimes{s, 0}}},
	}}.Watch(sampleEvery)
	require.NoError(t, err)
	time.Sleep(length) // virtual
	shares, err := w.Stop()
	require.NoError(t, err)
	return meter.Foreign{Server: share(shares[0]), Client: share(shares[1])}
}

// quietScene draws what a quiet machine does: of 90 quiet windows, others had 0.7 %
// of the server's core in the mean and 1.7 % at most, of the client's 1.6 % and 8 %.
func quietScene(rng *rand.Rand) *scene {
	a, b := rng.Float64(), rng.Float64()
	server := math.Min(0.1+0.6*(a+b), 1.7)
	client := math.Min(1.6*rng.ExpFloat64(), 8)
	return &scene{
		rng: rng, quiet: [2]float64{client / 100, server / 100},
		own: [2]bursts{{share: 0.05 + 0.4*rng.Float64()}, {share: 0.2 + 0.75*rng.Float64()}},
	}
}

// TestHowOftenForeignLoadIsWrong: the whole way from the kernel's counters to
// the verdict, on quiet windows and on hogs of 5 % and 25 %.
func TestHowOftenForeignLoadIsWrong(t *testing.T) {
	const windows, length = 500, 3 * time.Second
	rates := func(open bool, change func(*scene)) (marked, invalid, mean float64) {
		rng := rand.New(rand.NewPCG(12, 5))
		for range windows {
			var f meter.Foreign
			synctest.Test(t, func(t *testing.T) {
				s := quietScene(rng)
				change(s)
				f = s.window(t, length)
			})
			bad, doubts := f.Broken(open)
			if len(bad)+len(doubts) > 0 {
				marked++
			}
			if len(bad) > 0 {
				invalid++
			}
			mean += f.Server.Percent / windows
		}
		return 100 * marked / windows, 100 * invalid / windows, mean
	}
	hog := func(core int, share float64, until time.Duration) func(*scene) {
		return func(s *scene) { s.hog[core], s.until = share, until }
	}
	for _, c := range []struct {
		name                    string
		open                    bool
		change                  func(*scene)
		marked, most, uncertain float64 // % of the windows: marked at least, at most, and invalid at least
	}{
		{"quiet", false, func(*scene) {}, 0, 2, 0},
		{"quiet, open loop", true, func(*scene) {}, 0, 3, 0},
		{"5 % on the server's core", false, hog(1, 0.05, length), 95, 100, 0},
		{"25 % on the server's core", false, hog(1, 0.25, length), 100, 100, 99},
		{"25 % on the server's core for a second", false, hog(1, 0.25, time.Second), 99, 100, 0},
		{"25 % on the client's core, open loop", true, hog(0, 0.25, length), 99, 100, 0},
		{"25 % on the client's core", false, hog(0, 0.25, length), 0, 2, 0},
	} {
		marked, invalid, mean := rates(c.open, c.change)
		t.Logf("%-40s marked %5.1f %%, invalid %5.1f %%; server's cores %4.1f %%", c.name, marked, invalid, mean)
		require.GreaterOrEqual(t, marked, c.marked, c.name)
		require.LessOrEqual(t, marked, c.most, c.name)
		require.GreaterOrEqual(t, invalid, c.uncertain, c.name)
	}
}
