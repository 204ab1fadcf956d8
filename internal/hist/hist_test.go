package hist

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

var began = time.Date(2026, 11, 26, 1, 2, 3, 456e6, time.UTC)

// poisson is an open loop's window: a request of every kind of delay, and some
// that were sent late or failed.
func poisson(n int, length time.Duration) []record.Record {
	rng := rand.New(rand.NewPCG(5, 6))
	var out []record.Record
	for i := range n {
		due := time.Duration(float64(length) * float64(i) / float64(n))
		r := record.Record{Seq: i, Intended: due, Sent: due + time.Duration(rng.IntN(300))*time.Microsecond}
		r.Last = r.Sent + time.Duration((5+20*rng.ExpFloat64())*1e6)
		if i%97 == 96 {
			r.Outcome, r.Last = record.Timeout, 0
		}
		out = append(out, r)
	}
	return out
}

// times are those of the good answers, sorted.
func times(records []record.Record, from func(record.Record) time.Duration) []time.Duration {
	var out []time.Duration
	for _, r := range records {
		if r.Outcome == record.Good {
			out = append(out, r.Last-from(r))
		}
	}
	slices.Sort(out)
	return out
}

func TestALogSaysWhatTheRecordsDo(t *testing.T) {
	records := poisson(1500, 2500*time.Millisecond)
	text, err := Log(began, []Window{{records, 2500 * time.Millisecond}, {records, 2500 * time.Millisecond}})
	require.NoError(t, err)
	lines := strings.Split(string(text), "\n")
	require.Equal(t, "#[Requests without a good answer, which have no time here: 30]", lines[1])
	require.Equal(t, "#[Histogram log format version 1.3]", lines[2])
	require.Equal(t, "#[StartTime: 1795654923 (seconds since epoch), 2026-11-26T01:02:03Z]", lines[3])
	var begins []string
	for _, l := range lines[6:] {
		begins = append(begins, strings.Join(strings.Split(l, ",")[:min(3, strings.Count(l, ",")+1)], ","))
	}
	require.Equal(t, []string{
		"Tag=response,0.000000,1.000000", "Tag=service,0.000000,1.000000", "Tag=response,1.000000,1.000000", "Tag=service,1.000000,1.000000",
		"Tag=response,2.000000,0.500000", "Tag=service,2.000000,0.500000", "Tag=response,2.500000,1.000000", "Tag=service,2.500000,1.000000",
		"Tag=response,3.500000,1.000000", "Tag=service,3.500000,1.000000", "Tag=response,4.500000,0.500000", "Tag=service,4.500000,0.500000", "",
	}, begins)

	got, err := Read(bytes.NewReader(text))
	require.NoError(t, err)
	require.Len(t, got, 2)
	for tag, from := range map[string]func(record.Record) time.Duration{
		Response: func(r record.Record) time.Duration { return r.Intended },
		Service:  func(r record.Record) time.Duration { return r.Sent },
	} {
		raw := times(records, from)
		require.EqualValues(t, 2*len(raw), got[tag].Count())
		for _, rank := range []int{1, len(raw) / 2, len(raw) * 99 / 100, len(raw)} {
			want := raw[rank-1]
			require.InEpsilon(t, want, got[tag].Rank(int64(2*rank)), 0.001, "%s, rank %d of %d", tag, rank, len(raw))
		}
	}
}

// TestItsRankRuleIsNotOurs states why published percentiles do not come from
// here: of 1…133 ms the 95th percentile is the 127th, the smallest that at
// least 95 % do not exceed; HdrHistogram rounds 126.35 down. And what failed
// is above all times in ours, and not there in its.
func TestItsRankRuleIsNotOurs(t *testing.T) {
	d := New()
	for i := 1; i <= 133; i++ {
		d.Record(time.Duration(i) * time.Millisecond)
	}
	require.EqualValues(t, 126, d.HdrPercentile(95).Round(100*time.Microsecond).Milliseconds())
	require.EqualValues(t, 127, d.Rank((133*95+99)/100).Round(100*time.Microsecond).Milliseconds())
	require.InEpsilon(t, 133*time.Millisecond, d.HdrPercentile(99.9), 0.001, "also if 10 % more had failed")
}

func TestTimesOutOfRangeAreItsEnds(t *testing.T) {
	d := New()
	d.Record(-1)
	d.Record(2 * time.Hour)
	require.EqualValues(t, 2, d.Count())
	require.LessOrEqual(t, d.Rank(1), time.Microsecond)
	require.InEpsilon(t, time.Hour, d.Rank(2), 0.001)
	require.Zero(t, New().Rank(1))
	d.Reset()
	require.Zero(t, d.Count())
}

// TestHdrHistogramsOwnToolReadsIt runs where HDRHISTOGRAM_JAR names the jar of
// org.hdrhistogram:HdrHistogram.
func TestHdrHistogramsOwnToolReadsIt(t *testing.T) {
	jar := os.Getenv("HDRHISTOGRAM_JAR")
	if jar == "" {
		t.Skip("HDRHISTOGRAM_JAR does not name HdrHistogram's own program")
	}
	records := poisson(2000, 3*time.Second)
	text, err := Log(began, []Window{{records, 3 * time.Second}})
	require.NoError(t, err)
	path := t.TempDir() + "/a.hlog"
	require.NoError(t, os.WriteFile(path, text, 0o644))
	out, err := exec.Command("java", "-cp", jar, "org.HdrHistogram.HistogramLogProcessor", "-csv", "-tag", Service, "-i", path).CombinedOutput()
	require.NoError(t, err, string(out))
	got, err := Read(bytes.NewReader(text))
	require.NoError(t, err)
	seen := 0
	for line := range strings.Lines(string(out)) { // value in ms, percentile, count, 1/(1-percentile)
		f := strings.Split(line, ",")
		percentile, err := strconv.ParseFloat(f[min(1, len(f)-1)], 64)
		if err != nil || len(f) != 4 || percentile == 0 {
			continue
		}
		seen++
		ms, err := strconv.ParseFloat(f[0], 64)
		require.NoError(t, err)
		count, err := strconv.ParseInt(f[2], 10, 64)
		require.NoError(t, err)
		require.InEpsilon(t, ms, float64(got[Service].Rank(count))/1e6, 0.001, line)
		if percentile == 1 {
			require.Equal(t, got[Service].Count(), count)
		}
	}
	require.Greater(t, seen, 50, string(out))
}

func FuzzRead(f *testing.F) {
	text, err := Log(began, []Window{{poisson(20, time.Second), time.Second}})
	require.NoError(f, err)
	f.Add(text)
	f.Add([]byte("Tag=x,0,1,2,HISTFAAA"))
	f.Add([]byte("\n,,,\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		for _, d := range got {
			_ = d.Rank(d.Count())
		}
	})
}
