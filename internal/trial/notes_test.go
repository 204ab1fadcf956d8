package trial

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNotesWaitForTheLeafToEnd(t *testing.T) {
	var notes bytes.Buffer
	r := &Notes{to: &notes}
	r.Note("first %d\nand how", 1)
	r.Note("second")
	require.Empty(t, notes.String())
	r.Flush()
	require.Equal(t, "# first 1\n#   and how\n# second\n", notes.String())
	r.Flush()
	require.Equal(t, 3, strings.Count(notes.String(), "\n"))
}
