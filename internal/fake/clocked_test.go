package fake

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAnAnswerSaysHowLongItTook: by the server's own clock, each of the delays
// in turn, and no less.
func TestAnAnswerSaysHowLongItTook(t *testing.T) {
	delays := []time.Duration{0, 20 * time.Millisecond}
	s, err := HTTP(Script{Body: []byte("an answer of two halves is split " + Arrival + " " + Stamp), Delays: delays})
	require.NoError(t, err)
	defer s.Close()
	for n := range 4 {
		before := time.Now()
		r, err := http.Get("http://" + s.Addr())
		require.NoError(t, err)
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		after := time.Now()
		var arrived, written int64
		_, err = fmt.Sscanf(string(body), "an answer of two halves is split %d %d", &arrived, &written)
		require.NoError(t, err, string(body))
		require.GreaterOrEqual(t, time.Duration(written-arrived), delays[n%2])
		require.LessOrEqual(t, before.UnixNano(), arrived)
		require.LessOrEqual(t, written, after.UnixNano())
	}
}
