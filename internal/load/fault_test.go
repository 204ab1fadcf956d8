package load_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/load"
	"stackbench/internal/record"
)

// patient is raw with what the contract of Conn asks of a wire client: it dials
// again after a loss, and heeds a cancellation.
type patient struct{ raw }

func (p patient) Dial(ctx context.Context) (load.Conn, error) {
	c, err := p.raw.Dial(ctx)
	return &patientConn{target: p.raw, conn: c}, err
}

type patientConn struct {
	target raw
	conn   load.Conn // nil after a loss
}

func (c *patientConn) Close() error {
	if c.conn == nil {
		return nil
	}
	return c.conn.Close()
}

func (c *patientConn) Do(ctx context.Context, seq int) record.Reply {
	if c.conn == nil {
		conn, err := c.target.Dial(ctx)
		if err != nil {
			return record.Reply{Outcome: record.Refused, Err: err}
		}
		c.conn = conn
	}
	conn := c.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	r := conn.Do(ctx, seq)
	stop()
	if r.Outcome == record.Good {
		return r
	}
	_ = conn.Close()
	c.conn = nil
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		r.Outcome = record.Cancelled
	case ctx.Err() != nil || errors.Is(r.Err, os.ErrDeadlineExceeded):
		r.Outcome = record.Timeout
	case errors.Is(r.Err, io.EOF):
		r.Err = io.ErrUnexpectedEOF
	}
	return r
}

// Whatever the server does, the run ends, and each of the thirty arrivals is
// accounted for.
func TestFaultsOverTheNetwork(t *testing.T) {
	body := []byte(`{"answer":"thirty-one bytes ok"}`)
	head := len("HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n")
	require.Len(t, body, 32)
	for name, c := range map[string]struct {
		script fake.Script
		want   map[record.Outcome]int
	}{
		"well":               {fake.Script{}, map[record.Outcome]int{record.Good: 30}},
		"stalls":             {fake.Script{Stall: fake.Stall{At: 100 * ms, For: 150 * ms}}, map[record.Outcome]int{record.Good: 30}},
		"closes half-way":    {fake.Script{Fault: fake.Fault{Kind: fake.Half, Every: 2}}, map[record.Outcome]int{record.Good: 15, record.Cut: 15}},
		"closes at once":     {fake.Script{Fault: fake.Fault{Kind: fake.Drop, Every: 3}}, map[record.Outcome]int{record.Good: 20, record.Cut: 10}},
		"resets every other": {fake.Script{Fault: fake.Fault{Kind: fake.Reset, Every: 2}}, map[record.Outcome]int{record.Good: 15, record.Cut: 15}},
	} {
		t.Run(name, func(t *testing.T) {
			result := faulty(t, c.script, body, head, time.Minute)
			require.Equal(t, c.want, count(result.Records))
		})
	}
	t.Run("never answers", func(t *testing.T) {
		result := faulty(t, fake.Script{Fault: fake.Fault{Kind: fake.Silent}}, body, head, 200*ms)
		n := count(result.Records)
		require.Equal(t, 30, n[record.Timeout]+n[record.Cancelled])
	})
}

func faulty(t *testing.T, s fake.Script, body []byte, head int, timeout time.Duration) load.Result {
	t.Helper()
	s.Body = body
	server, err := fake.HTTP(s)
	require.NoError(t, err)
	defer func() { require.NoError(t, server.Close()) }()
	clock := load.SystemClock()
	defer func() { require.NoError(t, clock.Close()) }()
	result, err := load.Run(t.Context(), load.Plan{
		Arrivals: load.Arrivals{Rate: 100}, Conns: 4, Queue: 100, Window: 300 * ms, Timeout: timeout,
	}, patient{raw{addr: server.Addr(), answer: head + len(body)}}, clock)
	require.NoError(t, err)
	require.Len(t, result.Records, 30)
	return result
}

// A server that goes away: users of a closed loop are refused, and counted.
func TestServerThatIsGone(t *testing.T) {
	server, err := fake.HTTP(fake.Script{})
	require.NoError(t, err)
	gone := func() { require.NoError(t, server.Close()) }
	result, err := load.Run(t.Context(), load.Plan{
		Conns: 2, Warmup: 20 * ms, Window: time.Second, Timeout: 10 * time.Second, Marks: load.Marks{Open: gone},
	}, patient{raw{addr: server.Addr(), answer: len("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}}, load.SleepClock())
	require.NoError(t, err)
	n := count(result.Records)
	require.Positive(t, n[record.Refused])
	require.LessOrEqual(t, n[record.Refused], 2*1000/10+2, "one try a user in 10 ms")
}
