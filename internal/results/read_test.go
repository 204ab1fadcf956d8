package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"stackbench/internal/unit"

	"github.com/stretchr/testify/require"
)

// spoilt is a good run in which one file is replaced.
func spoilt(t *testing.T, file string, replace func(path string)) string {
	t.Helper()
	l, err := Create(t.TempDir(), "quick", now, env())
	require.NoError(t, err)
	require.NoError(t, l.Append(trial("a", 1)))
	_, err = fmt.Fprintln(l.Bench(), trial("a", 1).BenchLine())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	path := filepath.Join(l.Dir(), file)
	require.NoError(t, os.Remove(path))
	replace(path)
	return l.Dir()
}

// A pipe would be waited for, a device read for ever, and a huge file fill the
// memory: each is refused in words.
func TestWhatIsNoFileOfResultsIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"pipe":    {func(t *testing.T, path string) { require.NoError(t, syscall.Mkfifo(path, 0o600)) }, "is no regular file"},
		"endless": {func(t *testing.T, path string) { require.NoError(t, os.Symlink("/dev/zero", path)) }, "is no regular file"},
		"terabyte": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
			require.NoError(t, os.Truncate(path, 1<<40))
		}, "the limit is"},
		"folder": {func(t *testing.T, path string) { require.NoError(t, os.Mkdir(path, 0o700)) }, "is no regular file"},
	} {
		for _, file := range []string{EnvFile, TrialsFile, BenchFile} {
			t.Run(name+" "+file, func(t *testing.T) {
				dir := spoilt(t, file, func(path string) { c.make(t, path) })
				_, err := Open(dir)
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, "\n", "what to do stands on a second line")
				if file == BenchFile {
					_, err = LoadBench(dir)
					require.ErrorContains(t, err, c.want)
				}
			})
		}
	}
}

// zeros are a file without an end, and without a line's.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestALineWithoutAnEndIsRefused(t *testing.T) {
	var r Run
	require.ErrorContains(t, r.readTrials(zeros{}), "line 1: it is longer than 64 MB")
	_, err := readAll(zeros{}, "f", 1<<20)
	require.EqualError(t, err, "f does not end: the limit is 1 MB")
}

func TestNamesDoNotCommandATerminal(t *testing.T) {
	good := "BenchmarkX/stack=one 1 5 ns/op\n"
	for name, text := range map[string]string{
		"an escape sequence":  "BenchmarkX/stack=\x1b[2J\x1b[1;31mone 1 5 ns/op\n",
		"a return":            "BenchmarkX/stack=bad\rBenchmarkX/stack=good 1 5 ns/op\n",
		"one of C1":           "BenchmarkX/stack=\u009b31mone 1 5 ns/op\n",
		"from right to left":  "BenchmarkX/stack=\u202eeno 1 5 ns/op\n",
		"in a line of config": "cpu: \x1b]0;title\x07\n" + good,
	} {
		_, err := ReadBench(strings.NewReader(text+good), "f")
		require.ErrorContains(t, err, "which a terminal would take for a command", name)
		require.NotContains(t, err.Error(), "\x1b")
	}
	_, err := ReadBench(strings.NewReader(strings.ReplaceAll(good, "\n", "\r\n")), "f")
	require.NoError(t, err, "lines may end as Windows ends them")
}

// The words of a trial come from servers' logs, which may be in colour: they
// are kept, in letters.
func TestWordsOfTrialsAreShownInLetters(t *testing.T) {
	bad := trial("a", 1)
	bad.Unsteady = "\x1b[31mred\x1b[0m \r \u009b \u202e \\u001b \\ plain\nand a tab\t"
	dir := spoilt(t, TrialsFile, func(path string) {
		line, err := json.Marshal(bad)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(line, '\n'), 0o600))
	})
	run, err := Open(dir)
	require.NoError(t, err)
	require.Equal(t, "\\u001b[31mred\\u001b[0m \\r \\u009b \\u202e \\u001b \\ plain\nand a tab\t", run.Trials[0].Unsteady)
}

func TestManyBadLinesAreCounted(t *testing.T) {
	text := strings.Repeat("BenchmarkX 1 NaN ns/op\n", 5000) + "BenchmarkX 1 5 ns/op\n"
	b, err := ReadBench(strings.NewReader(text), "f")
	require.NoError(t, err)
	require.Len(t, b.Warnings, mostWarnings+1)
	require.Equal(t, "f: 4980 more such lines", b.Warnings[mostWarnings])
	require.Equal(t, []float64{5}, b.Samples[Series{"X", "ns/op"}])
}

func FuzzPlain(f *testing.F) {
	for _, s := range []string{`{"a":"\u001b[0m"}`, `"\\u001b"`, `"\\\u001b"`, `"\r\b\f\n"`, "\"\u009b\"", `"\u202e\ud83d\ude00"`, `"\`, `\u`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var before, after any
		if json.Unmarshal(text, &before) != nil {
			return
		}
		made := plain(bytes.Clone(text))
		require.NoError(t, json.Unmarshal(made, &after), "%q", made)
		shown, err := json.Marshal(after)
		require.NoError(t, err)
		var all any
		require.NoError(t, json.Unmarshal(shown, &all))
		walk(all, func(s string) {
			for _, r := range s {
				require.False(t, commands(r), "%q of %q", s, text)
			}
		})
		if isPlain(text) && !bytes.ContainsRune(text, '\\') {
			require.Equal(t, before, after)
		}
	})
}

// walk visits the strings of a JSON value, keys too.
func walk(v any, visit func(string)) {
	switch v := v.(type) {
	case string:
		visit(v)
	case []any:
		for _, x := range v {
			walk(x, visit)
		}
	case map[string]any:
		for k, x := range v {
			visit(k)
			walk(x, visit)
		}
	}
}

// TestManyNamesKeepTheirOrder: so many that looking for each in all of them would
// take minutes.
func TestManyNamesKeepTheirOrder(t *testing.T) {
	const many = 100_000
	var b strings.Builder
	for range 2 {
		for i := range many {
			fmt.Fprintf(&b, "BenchmarkG/stack=s/model=m/case%d/x 1 %d p50-ms\n", i, i)
		}
	}
	read, err := ReadBench(strings.NewReader(b.String()), "x")
	require.NoError(t, err)
	require.Len(t, read.Names, many)
	require.Equal(t, []unit.Name{unit.P50}, read.Units)
	for i, name := range read.Names {
		require.Equal(t, fmt.Sprintf("G/stack=s/model=m/case%d/x", i), name)
		require.Equal(t, []float64{float64(i), float64(i)}, read.Samples[Series{name, "p50-ms"}])
	}
}
