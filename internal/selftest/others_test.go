package selftest

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestWhatOthersTake of a made-up /proc: in two seconds core 1 idles for half a
// second, and a compiler takes most of the rest.
func TestWhatOthersTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := t.TempDir()
		put := func(name, content string) {
			path := filepath.Join(root, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		}
		state := func(idle, compiler, shell int) {
			put("stat", fmt.Sprintf("cpu  9 9 9 9 9\ncpu0 5 0 5 %d 10 0 0 0 0 0\ncpu1 5 0 5 %d 10 0 0 0 0 0\nintr 1\n", 1000+200*(idle/50), 500+idle))
			put("4711/stat", fmt.Sprintf("4711 (cc1 (plus)) R 1 1 1 0 -1 0 0 0 0 0 %d 7 0 0 20 0 1 0", compiler))
			put("12/stat", fmt.Sprintf("12 (sh) S 1 1 1 0 -1 0 0 0 0 0 %d 0 0 0 20 0 1 0", shell))
			put(fmt.Sprintf("%d/stat", os.Getpid()), "1 (us) R 1 1 1 0 -1 0 0 0 0 0 99999 0 0 0")
		}
		state(0, 100, 10)
		go func() {
			time.Sleep(time.Second)
			state(50, 240, 20)
		}()
		by, who, err := Proc(root)(t.Context(), 2*time.Second)
		require.NoError(t, err)
		require.InDelta(t, 0, by[0], 1e-9)
		require.InDelta(t, 75, by[1], 1e-9)
		require.Equal(t, "4711 cc1 (plus)", who)
	})
	_, _, err := Proc(t.TempDir())(t.Context(), 0)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestProcessesAsTheKernelTellsThem(t *testing.T) {
	p, ok := parseProcess([]byte("7 (a\x1b[31m) S 1 1 1 0 -1 0 0 0 0 0 3 4 0 0"))
	require.True(t, ok)
	require.EqualValues(t, 7, p.ticks)
	require.Equal(t, `7 "a\x1b[31m"`, most(nil, map[int]process{7: p}))
	require.Empty(t, most(map[int]process{7: p}, map[int]process{7: p}))
	for _, bad := range []string{"", "7 (a", "7 ) a (", "7 (a) S 1", "7 (a) S 1 1 1 0 -1 0 0 0 0 0 x 4 0"} {
		_, ok := parseProcess([]byte(bad))
		require.False(t, ok, bad)
	}
	for _, bad := range []string{"", "cpu 1 2 3 4 5", "cpuX 1 2 3 4 5", "cpu0 1 2 3 x 5", "cpu0 1 2 3"} {
		_, err := parseIdle([]byte(bad))
		require.Error(t, err, bad)
	}
}

func FuzzProc(f *testing.F) {
	f.Add([]byte("cpu0 5 0 5 1000 10 0 0 0 0 0\n7 (a) S 1 1 1 0 -1 0 0 0 0 0 3 4 0 0"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = parseIdle(b)
		if p, ok := parseProcess(b); ok {
			_ = most(nil, map[int]process{1: p})
		}
	})
}
