package results

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a tmpfs of that size.
func small(t *testing.T, size string) (disk string) {
	t.Helper()
	disk = t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("a small disk cannot be made here, which root may: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	return disk
}

// full records trials until one is lost, and checks that the others are whole.
func full(t *testing.T, l *Log, room func()) {
	t.Helper()
	kept := 0
	var lost *Lost
	for kept < 1000 {
		err := l.Append(trial("a", kept+1))
		if err != nil {
			require.ErrorAs(t, err, &lost)
			break
		}
		kept++
	}
	require.NotNil(t, lost, "it never filled up")
	require.Positive(t, kept)
	require.Equal(t, fmt.Sprintf("trial %d of %s", kept+1, trial("a", 1).Name), lost.What)
	require.ErrorContains(t, lost, filepath.Join(l.Dir(), TrialsFile))
	require.ErrorContains(t, lost, "--resume "+l.Dir())

	r, err := Open(l.Dir())
	require.NoError(t, err)
	require.Len(t, r.Trials, kept)
	require.Empty(t, r.Warnings, "no half of a line stays")
	require.ErrorAs(t, l.Append(trial("a", kept+1)), &lost, "it stays full")

	room()
	again, err := OpenLog(l.Dir())
	require.NoError(t, err)
	require.NoError(t, again.Append(trial("a", kept+1)))
	require.NoError(t, again.Close())
	r, err = Open(l.Dir())
	require.NoError(t, err)
	require.Len(t, r.Trials, kept+1)
}

func TestAFullDiskLosesNothingThatWasKept(t *testing.T) {
	disk := small(t, "12k")
	l, err := Create(disk, "quick", now, env())
	require.NoError(t, err)
	full(t, l, func() {
		require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=64k"))
	})
	require.NoError(t, l.Close())
}

func TestALineOfTheBenchmarkStreamThatIsLostIsSaid(t *testing.T) {
	l, err := Create(small(t, "12k"), "quick", now, env())
	require.NoError(t, err)
	_, err = fmt.Fprintln(l.Bench(), "goos: linux")
	require.NoError(t, err)
	_, err = fmt.Fprintln(l.Bench(), strings.Repeat("x", 12<<10))
	var lost *Lost
	require.ErrorAs(t, err, &lost)
	require.Equal(t, "a line of bench.txt", lost.What)
	text, err := os.ReadFile(filepath.Join(l.Dir(), BenchFile))
	require.NoError(t, err)
	require.Equal(t, "goos: linux\n", string(text))
	require.NoError(t, l.Close())
}

func TestARunThatCannotBeginLeavesNoFolder(t *testing.T) {
	disk := small(t, "4k")
	e := env()
	e.Skipped = []Skip{{What: "x", Why: strings.Repeat("y", 8<<10)}}
	_, err := Create(disk, "quick", now, e)
	require.ErrorContains(t, err, "begin the run's folder: write ")
	require.ErrorContains(t, err, "no space left on device")
	left, err := os.ReadDir(disk)
	require.NoError(t, err)
	require.Empty(t, left)
}

// tight is a file on a disk with so much room.
type tight struct {
	*os.File
	room int
}

func (f *tight) Write(p []byte) (int, error) {
	n, err := f.File.Write(p[:min(len(p), f.room)])
	f.room -= n
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

func TestOfWhatDoesNotFitNothingStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	f, err := appendTo(path)
	require.NoError(t, err)
	defer f.Close()
	disk := &tight{f, 10}
	require.NoError(t, appendAll(disk, []byte("first\n")))
	require.ErrorIs(t, appendAll(disk, []byte("second\n")), syscall.ENOSPC)
	disk.room = 10
	require.NoError(t, appendAll(disk, []byte("third\n")))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "first\nthird\n", string(text))
}
