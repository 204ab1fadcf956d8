package fake

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCaptureIsReplayed(t *testing.T) {
	for name, raw := range map[string]string{
		"length":  "HTTP/1.1 503 Service Unavailable\r\nx-queue: 7\r\nContent-Length: 5\r\nConnection: close\r\n\r\nbusy\n",
		"chunked": "HTTP/1.1 503 Service Unavailable\r\nx-queue: 7\r\ntransfer-encoding: chunked\r\n\r\n2\r\nbu\r\n3\r\nsy\n\r\n0\r\n\r\n",
		"close":   "HTTP/1.1 503 Service Unavailable\r\nx-queue: 7\r\nConnection: close\r\n\r\nbusy\n",
	} {
		script, err := Capture([]byte(raw))
		require.NoError(t, err, name)
		s, err := HTTP(script)
		require.NoError(t, err)
		answer, err := http.Get("http://" + s.Addr())
		require.NoError(t, err, name)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err, name)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, 503, answer.StatusCode)
		require.Equal(t, "7", answer.Header.Get("X-Queue"))
		require.Equal(t, "busy\n", string(body))
		require.NoError(t, s.Close())
	}
}

func TestWhatIsNoCapture(t *testing.T) {
	for _, raw := range []string{"", "HTTP/1.1 200 OK\r\n", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"} {
		_, err := Capture([]byte(raw))
		require.ErrorContains(t, err, "replay a capture", raw)
	}
}
