package boot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

func TestParseAttach(t *testing.T) {
	check := func(in, rest, grpc string) {
		t.Helper()
		got, err := parseAttach(in + ",metrics=m:3")
		require.NoError(t, err, in)
		require.Equal(t, stack.Endpoint{REST: rest, GRPC: grpc, Metrics: "m:3"}, got)
		got, err = parseAttach(in)
		require.NoError(t, err, in)
		require.Equal(t, stack.Endpoint{REST: rest, GRPC: grpc}, got)
	}
	check("rest=a:1,grpc=b:2", "a:1", "b:2")
	check("grpc=b:2", "", "b:2")
	check("a:1", "a:1", "")
	check("http://a:1/", "a:1", "")
	check("http://a", "a:80", "")
	check("http://[::1]:8080, grpc://b:2", "[::1]:8080", "b:2")

	checkErr := func(in, msg string) {
		t.Helper()
		_, err := parseAttach(in)
		require.ErrorContains(t, err, msg, in)
	}
	checkErr("a", `"a" is not HOST:PORT`)
	checkErr("rest=a:0", `"0" is not a port`)
	checkErr("rest=a:99999", "is not a port")
	checkErr("rest=:80", "is not HOST:PORT")
	checkErr("soap=a:1", `"soap" is neither rest, grpc nor metrics`)
	checkErr("rest=a:1,rest=a:2", "rest is given twice")
	checkErr("https://a:1", `scheme "https" is not supported`)
	checkErr("http://a:1/v2", "more than a host and a port")
	checkErr("grpc://a", "is not HOST:PORT")
	checkErr("", "is not HOST:PORT")
	checkErr("http://a:\x00", "is not a URL")
	checkErr("metrics=a:1", "names no address to send requests to")
}

// A value may be pasted with what opens the server: that must not end in a log.
func TestAttachShowsNoSecret(t *testing.T) {
	for _, value := range []string{
		"http://user:hunter2@a:1", "rest=user:hunter2@a:1", "http://a:1/?token=hunter2", "a:1?token=hunter2", "grpc://hunter2@a",
		"http://a:1/hunter2/v1", "http://user:hunter2%40a:1", "token=hunter2", "http://u:hunter2,x@a:1", "http://a:1#hunter2", "https://:hunter2@a",
	} {
		t.Setenv("STACKBENCH_ATTACH_TEI", value)
		_, _, err := Attached("tei")
		require.Error(t, err, value)
		require.NotContains(t, err.Error(), "hunter2", value)
		require.Contains(t, err.Error(), "STACKBENCH_ATTACH_TEI")
	}
}

// A stack that is asked over gRPC alone, and attached by an HTTP address, fails
// before it is waited for.
func TestAttachWithoutTheAddressThatIsNeeded(t *testing.T) {
	s := Spec{Stack: stack.Stack{Name: "tei-grpc", Serves: []stack.Capability{{Proto: stack.GRPC}}}, Cache: t.TempDir(), Ready: correct}
	t.Setenv("STACKBENCH_ATTACH_TEI_GRPC", "http://127.0.0.1:1")
	_, err := Start(t.Context(), s)
	f := failure(t, err)
	require.Equal(t, "attach tei-grpc: it is asked over grpc, and STACKBENCH_ATTACH_TEI_GRPC names no such address", f.What)
	require.Equal(t, "write STACKBENCH_ATTACH_TEI_GRPC=grpc=HOST:PORT", f.Cure)
	t.Setenv("STACKBENCH_ATTACH_TEI_GRPC", "rest=127.0.0.1:1,grpc=127.0.0.1:2")
	launcher, err := Resolve(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, Attach, launcher)
}

func FuzzParseAttach(f *testing.F) {
	for _, s := range []string{"rest=a:1,grpc=b:2", "http://a", "grpc://[::1]:5", "a:b", "=,=", "http://u@h:1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		e, err := parseAttach(in)
		if err != nil {
			return
		}
		require.False(t, e.REST == "" && e.GRPC == "")
		for _, addr := range []string{e.REST, e.GRPC, e.Metrics} {
			require.True(t, addr == "" || checkAddr(addr) == nil, addr)
		}
	})
}

func TestVariable(t *testing.T) {
	require.Equal(t, "STACKBENCH_ATTACH_FASTAPI_ONNXRUNTIME_2_B", variable("ATTACH", "fastapi-onnxruntime.2_b"))
}

func TestAttach(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "42") }))
	defer web.Close()
	s := Spec{Stack: stack.Stack{Name: "nim-speech"}, Cache: t.TempDir(), Ready: correct}
	t.Setenv("STACKBENCH_ATTACH_NIM_SPEECH", web.URL)
	launcher, err := Resolve(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, Attach, launcher)
	srv, err := Start(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, Attach, srv.Launcher)
	require.Equal(t, strings.TrimPrefix(web.URL, "http://"), srv.Endpoint.REST)
	require.NoError(t, srv.Alive())
	require.Empty(t, srv.Log())
	_, _, err = srv.Usage(t.Context())
	require.Error(t, err)
	require.NoError(t, srv.Stop(t.Context()))
	require.NoError(t, correct(t.Context(), srv.Endpoint), "it is not ours to stop")

	t.Setenv("STACKBENCH_ATTACH_NIM_SPEECH", "nowhere")
	_, err = Start(t.Context(), s)
	require.Equal(t, `attach nim-speech: STACKBENCH_ATTACH_NIM_SPEECH: "nowhere" is not HOST:PORT`, failure(t, err).What)

	t.Setenv("STACKBENCH_ATTACH_NIM_SPEECH", "")
	_, err = Start(t.Context(), s)
	var skip *Unavailable
	require.ErrorAs(t, err, &skip)
	require.Equal(t, "nim-speech has no image: it runs as a process", skip.Reason)

	s.Launcher = "rocket"
	_, err = Resolve(t.Context(), s)
	require.Equal(t, `start nim-speech: unknown launcher "rocket"`, failure(t, err).What)
	s.Launcher = Process
	_, err = Resolve(t.Context(), s)
	require.ErrorAs(t, err, &skip)
	require.Equal(t, "nim-speech does not run as a process", skip.Reason)
	s.Ready = nil
	_, err = Start(t.Context(), s)
	require.EqualError(t, err, "start nim-speech: no readiness check was given")
}

func TestAttachToNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := plan{launcher: Attach, endpoint: stack.Endpoint{GRPC: "speech.example:50051"}}
		p.Stack.Name = "riva"
		p.Ready = func(context.Context, stack.Endpoint) error { return errors.New("connection refused") }
		_, err := p.attach(t.Context())
		f := failure(t, err)
		require.Equal(t, "attach riva: no correct reply from speech.example:50051 within 30s: connection refused", f.What)
		require.Contains(t, f.Cure, "STACKBENCH_ATTACH_RIVA")
	})
}

// Where nothing listens, that is said at once; a server that still loads is waited for.
func TestAttachToAClosedPort(t *testing.T) {
	for _, c := range []struct {
		last error
		want time.Duration
	}{
		{fmt.Errorf("connect to a:1: %w", syscall.ECONNREFUSED), 5 * time.Second},
		{errors.New("status 503: loading"), 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			p, started := plan{launcher: Attach, endpoint: stack.Endpoint{REST: "a:1"}}, time.Now()
			p.Ready = func(context.Context, stack.Endpoint) error { return c.last }
			_, err := p.attach(t.Context())
			require.Contains(t, failure(t, err).What, fmt.Sprintf("within %v: %v", c.want, c.last))
			require.InDelta(t, c.want.Seconds(), time.Since(started).Seconds(), 0.6)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p, started := plan{launcher: Attach, endpoint: stack.Endpoint{REST: "a:1"}}, time.Now()
		p.Ready = func(context.Context, stack.Endpoint) error {
			if time.Since(started) < 20*time.Second {
				return errors.New("status 503: loading")
			}
			return nil
		}
		_, err := p.attach(t.Context())
		require.NoError(t, err)
	})
}

// In virtual time: attempts are dense at first and thin out.
func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started, attempts := time.Now(), 0
		err := await(t.Context(), time.Minute, nil, func(context.Context) error {
			attempts++
			if time.Since(started) < 10*time.Second {
				return errors.New("loading")
			}
			return nil
		})
		require.NoError(t, err)
		require.InDelta(t, 10, time.Since(started).Seconds(), 0.26)
		require.Greater(t, attempts, 40)
		require.Less(t, attempts, 200)
	})
	synctest.Test(t, func(t *testing.T) {
		err := await(t.Context(), time.Second, nil, func(context.Context) error { return errors.New("loading") })
		require.EqualError(t, err, "no correct reply within 1s; the last attempt: loading")
	})
	synctest.Test(t, func(t *testing.T) { // a server that takes the request and never answers
		attempts := 0
		err := await(t.Context(), 40*time.Second, nil, func(ctx context.Context) error {
			attempts++
			<-ctx.Done()
			return ctx.Err()
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 4, attempts)
	})
	synctest.Test(t, func(t *testing.T) { // it ends while a request hangs
		started, ended := time.Now(), make(chan struct{})
		time.AfterFunc(3*time.Second, func() { close(ended) })
		err := await(t.Context(), time.Hour, ended, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		require.ErrorIs(t, err, errEnded)
		require.Equal(t, 3*time.Second, time.Since(started))
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(ErrInterrupted)
		err := await(ctx, time.Hour, nil, func(context.Context) error { return errors.New("loading") })
		require.ErrorIs(t, err, ErrInterrupted)
	})
}
