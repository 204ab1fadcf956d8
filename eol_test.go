package stackbench_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// However git is set up, what is checked out is what was committed: the files
// that are compared byte by byte, and scripts, whose first line would name no
// program otherwise.
func TestACheckoutHasLineFeeds(t *testing.T) {
	for _, file := range []string{
		"README.md", "docs/metrics.md", "testdata/conformance/plain.txtar", "stacks/base/debootstrap.sh", ".ci/run", "results/2026-11-26-0426-quick/bench.txt",
	} {
		require.Equal(t, []string{"auto", "lf"}, attributes(t, file), file)
	}
	require.Equal(t, []string{"unset", "lf"}, attributes(t, "testdata/captures/tei/embed.http"), "as it was sent")
}

// attributes are git's for a file's text and its line ends.
func attributes(t *testing.T, file string) []string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	out, err := exec.Command("git", "check-attr", "text", "eol", "--", file).CombinedOutput()
	if err != nil {
		t.Skipf("no checkout: %s", out)
	}
	var values []string
	for line := range strings.Lines(string(out)) {
		values = append(values, strings.TrimSpace(line[strings.LastIndex(line, ": ")+2:]))
	}
	return values
}
