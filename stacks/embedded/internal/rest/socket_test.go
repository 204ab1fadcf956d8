package rest_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/rest"
)

// requireEventually waits for what another goroutine does.
func requireEventually(t *testing.T, done func() bool) {
	t.Helper()
	require.Eventually(t, done, 10*time.Second, time.Millisecond)
}

// talk is a connection to /v1/generate.
type talk struct {
	*testing.T
	*websocket.Conn
}

func (c client) talk() talk {
	c.Helper()
	conn, _, err := websocket.Dial(context.Background(), c.url+"/v1/generate", nil)
	require.NoError(c, err)
	c.Cleanup(func() { _ = conn.CloseNow() })
	return talk{c.T, conn}
}

func (w talk) say(message string) {
	w.Helper()
	require.NoError(w, w.Write(context.Background(), websocket.MessageText, []byte(message)))
}

func (w talk) hear(want ...string) {
	w.Helper()
	for _, one := range want {
		_, got, err := w.Read(context.Background())
		require.NoError(w, err)
		require.JSONEq(w, one, string(got))
	}
}

const (
	generate = `{"type":"generate","model":"tiny-decoder","prompt":"bc","max_tokens":3,"exact":true,"seed":0}`
	token    = `{"type":"token","text":"b","tokens":1}`
)

func TestOneAnswerAfterTheOther(t *testing.T) {
	c, _ := writer(t, nil)
	w := c.talk()
	for range 2 {
		w.say(generate)
		w.hear(token, token, token, `{"type":"end","tokens":3,"prompt_tokens":2,"finish_reason":"length"}`)
	}
	w.say(`{"type":"generate","model":"tiny-decoder","prompt":"ab c","max_tokens":3}`)
	w.hear(`{"type":"end","prompt_tokens":2,"finish_reason":"stop"}`)
	w.say(`{"type":"generate","model":"tiny-decoder","prompt":"ab c","max_tokens":1,"exact":true}`)
	w.hear(`{"type":"token","text":" c","tokens":1}`, `{"type":"end","tokens":1,"prompt_tokens":2,"finish_reason":"length"}`)
	w.say(strings.Replace(strings.Replace(generate, `"bc"`, `"a"`, 1), `"max_tokens":3`, `"max_tokens":22`, 1))
	for range 20 {
		_, _, err := w.Read(context.Background())
		require.NoError(t, err)
	}
	w.hear(`{"type":"token","tokens":1}`, `{"type":"token","text":"é","tokens":1}`, `{"type":"end","tokens":22,"prompt_tokens":1,"finish_reason":"length"}`)
	require.Contains(t, c.get("/metrics"), `stackbench_requests_total{code="200",model="tiny-decoder"} 5`)
}

func TestSocketErrors(t *testing.T) {
	c, _ := writer(t, nil)
	w := c.talk()
	check := func(message, code, text string) {
		t.Helper()
		w.say(message)
		_, got, err := w.Read(context.Background())
		require.NoError(t, err)
		require.Contains(t, string(got), `{"type":"error","code":`+code+`,"message":`)
		require.Contains(t, string(got), text)
	}
	check(`{`, "400", "parse the message's JSON")
	check(`{"type":"hello"}`, "400", `of type \"hello\"`)
	check(`{"type":"generate","model":"x","prompt":"a","max_tokens":1}`, "404", "unknown model")
	check(`{"type":"generate","model":"tiny-decoder","prompt":"a"}`, "400", "max_tokens is 0")
	check(`{"type":"generate","model":"tiny-decoder","prompt":"a","max_tokens":48}`, "400", "1 tokens of the prompt and 48 of max_tokens")
	require.NoError(t, w.Write(context.Background(), websocket.MessageBinary, []byte(generate)))
	w.hear(`{"type":"error","code":400,"message":"a binary message: the contract has text"}`)
	w.say(generate)
	w.hear(token, token, token)

	w = c.talk()
	w.say(strings.Repeat(" ", 1<<20) + generate)
	_, _, err := w.Read(context.Background())
	require.Equal(t, websocket.StatusMessageTooBig, websocket.CloseStatus(err), "%v", err)

	api := rest.New(metrics.New("m"))
	server := httptest.NewServer(api)
	t.Cleanup(func() { api.Stop(context.Background()); server.Close() })
	w = client{t, server.URL}.talk()
	w.say(generate)
	w.hear(`{"type":"error","code":503,"message":"the model is still loading"}`)
}

func TestSocketFailsAfterText(t *testing.T) {
	pace := make(chan error, 2)
	c, _ := writer(t, pace)
	pace <- nil
	pace <- errors.New("out of memory")
	w := c.talk()
	w.say(generate)
	w.hear(token, `{"type":"error","code":500,"message":"out of memory"}`)
}

func TestASocketThatLeavesStops(t *testing.T) {
	pace := make(chan error)
	c, _ := writer(t, pace)
	w := c.talk()
	w.say(strings.Replace(generate, `"max_tokens":3`, `"max_tokens":46`, 1))
	pace <- nil
	w.hear(token)
	require.NoError(t, w.CloseNow())
	requireEventually(t, func() bool {
		select {
		case pace <- nil: // until the server has noticed
		default:
		}
		return strings.Contains(c.get("/metrics"), `stackbench_requests_total{code="499",model="tiny-decoder"} 1`)
	})
}

// Stop lets the answer under way end, and closes a connection that rests.
func TestStopClosesSockets(t *testing.T) {
	pace := make(chan error)
	c, api := writer(t, pace)
	busy, resting := c.talk(), c.talk()
	busy.say(generate)
	pace <- nil
	busy.hear(token)
	stopped := make(chan struct{})
	go func() { api.Stop(context.Background()); close(stopped) }()
	_, _, err := resting.Read(context.Background())
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err), "%v", err)
	pace <- nil
	pace <- nil
	busy.hear(token, token, `{"type":"end","tokens":3,"prompt_tokens":2,"finish_reason":"length"}`)
	_, _, err = busy.Read(context.Background())
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err), "%v", err)
	<-stopped
	_, answer, err := websocket.Dial(context.Background(), c.url+"/v1/generate", nil)
	require.Error(t, err)
	require.Equal(t, 503, answer.StatusCode)
}
