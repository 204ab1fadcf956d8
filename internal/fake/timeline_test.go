package fake

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

// arrivalsOn reads a connection to its end, and says when each read's bytes came.
func arrivalsOn(c net.Conn, since time.Time) (texts []string, at []time.Duration) {
	b := make([]byte, 1<<20)
	for {
		n, err := c.Read(b)
		if err != nil {
			return texts, at
		}
		texts, at = append(texts, string(b[:n])), append(at, time.Since(since))
	}
}

func TestPlayInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		go PlayOn(t.Context(), server, Timeline{
			Header: []string{"X: y"}, Framing: Chunked, Head: 10 * ms,
			Parts: []Part{{20 * ms, []byte("ab")}, {20 * ms, []byte("c")}}, EndAt: time.Hour,
		})
		for range 2 {
			sent := time.Now()
			_, err := io.WriteString(client, "GET / HTTP/1.1\r\n\r\n")
			require.NoError(t, err)
			client.SetReadDeadline(sent.Add(time.Hour + 1))
			texts, at := arrivalsOn(client, sent)
			require.Equal(t, []string{"HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n", "2\r\nab\r\n", "1\r\nc\r\n", "0\r\n\r\n"}, texts)
			require.Equal(t, []time.Duration{10 * ms, 20 * ms, 20 * ms, time.Hour}, at)
		}
		client.Close()
	})
}

func TestHowATimelineEnds(t *testing.T) {
	for end, want := range map[Ending]error{Clean: nil, "": nil, CutOff: io.ErrUnexpectedEOF, Resets: net.ErrClosed} {
		for _, framing := range []Framing{Chunked, Length} {
			timeline := Timeline{Status: 503, Framing: framing, Parts: []Part{{0, []byte("abc")}}, End: end}
			if want != nil && framing == Length {
				continue // its body is whole before the end
			}
			h, err := Play(timeline)
			require.NoError(t, err)
			r, err := http.Get("http://" + h.Addr())
			require.NoError(t, err)
			require.Equal(t, 503, r.StatusCode)
			body, err := io.ReadAll(r.Body)
			require.NoError(t, r.Body.Close())
			require.Equal(t, want != nil, err != nil, "%s: %v", end, err)
			if want == nil || errors.Is(want, io.ErrUnexpectedEOF) {
				require.ErrorIs(t, err, want)
				require.Equal(t, "abc", string(body))
			}
			require.Len(t, h.Arrivals(), 1)
			require.NoError(t, h.Close())
		}
	}
}

// A hanging answer, and one that is not due yet, are ended by Close.
func TestTimelinesThatDoNotEnd(t *testing.T) {
	for _, timeline := range []Timeline{{Framing: Chunked, End: Hanging}, {Framing: Chunked, EndAt: time.Hour}, {Head: time.Hour}} {
		h, err := Play(timeline)
		require.NoError(t, err)
		c, err := net.Dial("tcp", h.Addr())
		require.NoError(t, err)
		_, err = io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
		require.NoError(t, err)
		if timeline.Head == 0 {
			_, err = bufio.NewReader(c).ReadString('\n')
			require.NoError(t, err)
		}
		require.NoError(t, h.Close())
		require.NoError(t, c.Close())
	}
}

func TestStamps(t *testing.T) {
	child, err := Spawn(Order{Play: &Timeline{Framing: UntilClose, Parts: []Part{{ms, []byte("at " + Stamp + ", " + Stamp)}}, EndAt: ms}, CPU: -1})
	require.NoError(t, err)
	defer child.Close()
	before := time.Now()
	r, err := http.Get("http://" + child.Addr())
	require.NoError(t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	first, second, _ := strings.Cut(strings.TrimPrefix(string(body), "at "), ", ")
	for _, text := range []string{first, second} {
		ns, err := strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		require.True(t, time.Unix(0, ns).After(before) && time.Unix(0, ns).Before(time.Now()))
	}
}

func TestTimelinesOutOfOrder(t *testing.T) {
	require.NoError(t, Timeline{Head: ms, Parts: []Part{{At: ms}, {At: 2 * ms}}, EndAt: 2 * ms}.Check())
	require.ErrorContains(t, Timeline{Head: ms, Parts: []Part{{}}}.Check(), "part 1 is due at 0s, before what precedes it at 1ms")
	require.ErrorContains(t, Timeline{Head: ms}.Check(), "the end is due at 0s")
}
