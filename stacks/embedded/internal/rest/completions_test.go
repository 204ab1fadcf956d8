package rest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/rest"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tiny"
)

// paced is the tiny decoder computed in Go: each execution takes one of pace, if
// there is such a channel, and what it takes is what it fails with.
type paced struct {
	*tiny.Sequence
	pace chan error
}

func (p paced) Next(ids []int64) ([]float32, error) {
	if p.pace != nil {
		if err := <-p.pace; err != nil {
			return nil, err
		}
	}
	return p.Sequence.Next(ids)
}

// writer serves the tiny decoder: one answer at a time, and one may wait.
func writer(t *testing.T, pace chan error) (client, *rest.API) {
	c, api, _ := watched(t, pace)
	return c, api
}

// watched is writer, and tells when a request for events is over for the server:
// answered, or left by its client.
func watched(t *testing.T, pace chan error) (client, *rest.API, chan struct{}) {
	left := make(chan struct{}, 8)
	m, err := store.Open(tiny.Store(t), tiny.Decoder)
	require.NoError(t, err)
	met := metrics.New(tiny.Decoder)
	begin := func(int) (generation.Sequence, error) { return paced{&tiny.Sequence{}, pace}, nil }
	w, err := service.NewWriter(m, service.Info{Model: tiny.Decoder}, begin, met, generation.Options{AtOnce: 1, Steps: 1, Waiting: 1})
	require.NoError(t, err)
	api := rest.New(met)
	api.Ready(w)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == int64(len(ask+asEvents)) {
			context.AfterFunc(r.Context(), func() { left <- struct{}{} })
		}
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		if pace != nil {
			close(pace)
		}
		server.CloseClientConnections()
		api.Stop(context.Background())
		server.Close()
		w.Close()
	})
	return client{t, server.URL}, api, left
}

const asEvents = `,"stream":true}`

const ask = `{"model":"tiny-decoder","prompt":"bc","max_tokens":3,"temperature":0,"seed":1`

func TestCompletion(t *testing.T) {
	c, _ := writer(t, nil)
	status, header, body := c.do("POST", "/v1/completions", []byte(ask+`}`))
	require.Equal(t, http.StatusOK, status, string(body))
	require.Equal(t, "application/json", header.Get("Content-Type"))
	var got map[string]any
	require.NoError(t, json.Unmarshal(body, &got))
	require.Regexp(t, `^cmpl-[0-9a-f]{16}$`, got["id"])
	require.Positive(t, got["created"])
	delete(got, "id")
	delete(got, "created")
	require.Equal(t, map[string]any{
		"object": "text_completion", "model": "tiny-decoder",
		"choices": []any{map[string]any{"index": 0.0, "text": "bbb", "logprobs": nil, "finish_reason": "length"}},
		"usage":   map[string]any{"prompt_tokens": 2.0, "completion_tokens": 3.0, "total_tokens": 5.0},
	}, got)
	require.Contains(t, c.get("/metrics"), `stackbench_requests_total{code="200",model="tiny-decoder"} 1`)
	require.Contains(t, c.get("/metrics"), `stackbench_batch_size_count{model="tiny-decoder"} 3`)
}

// texts are an answer's events without what changes from answer to answer.
func (c client) events(body string) []string {
	c.Helper()
	status, header, reply := c.do("POST", "/v1/completions", []byte(body))
	require.Equal(c, http.StatusOK, status, string(reply))
	require.Equal(c, "text/event-stream; charset=utf-8", header.Get("Content-Type"))
	all := strings.Split(strings.TrimSuffix(string(reply), "\n\n"), "\n\n")
	for i, event := range all {
		data, ok := strings.CutPrefix(event, "data: ")
		require.True(c, ok, event)
		if _, rest, ok := strings.Cut(data, `"model":"tiny-decoder",`); ok {
			data = rest
		}
		all[i] = data
	}
	return all
}

func TestCompletionAsEvents(t *testing.T) {
	c, _ := writer(t, nil)
	const (
		b    = `"choices":[{"index":0,"text":"b","logprobs":null,"finish_reason":null}]`
		last = `"choices":[{"index":0,"text":"b","logprobs":null,"finish_reason":"length"}]`
	)
	usage := func(n string, total string) string {
		return `,"usage":{"prompt_tokens":2,"completion_tokens":` + n + `,"total_tokens":` + total + `}}`
	}
	require.Equal(t, []string{b + "}", b + "}", last + "}", "[DONE]"}, c.events(ask+`,"stream":true}`))
	require.Equal(t, []string{b + "}", b + "}", last + "}", `"choices":[]` + usage("3", "5"), "[DONE]"}, c.events(ask+`,"stream":true,"stream_options":{"include_usage":true}}`))
	require.Equal(t, []string{b + usage("1", "3"), b + usage("2", "4"), last + usage("3", "5"), `"choices":[]` + usage("3", "5"), "[DONE]"},
		c.events(ask+`,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`))
	stopped := c.events(`{"model":"tiny-decoder","prompt":"ab c","stream":true}`)
	require.Equal(t, []string{`"choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]}`, "[DONE]"}, stopped)
}

func TestCompletionErrors(t *testing.T) {
	c, _ := writer(t, nil)
	check := func(body string, status int, code, message string) {
		t.Helper()
		got, _, reply := c.do("POST", "/v1/completions", []byte(body))
		require.Equal(t, status, got, string(reply))
		var e struct {
			Error struct{ Message, Type, Code string } `json:"error"`
		}
		require.NoError(t, json.Unmarshal(reply, &e))
		require.Contains(t, e.Error.Message, message)
		require.Equal(t, code, e.Error.Code)
		require.NotEmpty(t, e.Error.Type)
	}
	for _, stream := range []string{`}`, `,"stream":true}`} {
		check(`{"model":"x","prompt":"a"`+stream, http.StatusNotFound, "model_not_found", `unknown model "x": this server has tiny-decoder`)
		check(`{"model":"tiny-decoder","prompt":"aa","max_tokens":47`+stream, http.StatusBadRequest, "invalid_value", "2 tokens of the prompt and 47 of max_tokens are over the model's context of 48")
		check(`{"model":"tiny-decoder","prompt":"a","temperature":1`+stream, http.StatusBadRequest, "invalid_value", "only greedy decoding")
		check(`{"model":"tiny-decoder","prompt":["a"]`+stream, http.StatusBadRequest, "invalid_value", "parse the request's JSON")
		check(`{"model":"tiny-decoder"`+stream, http.StatusBadRequest, "invalid_value", "the prompt is empty")
	}
	c.refused("/v2/models/tiny-decoder/infer", `{}`, http.StatusBadRequest, "ask it by ModelStreamInfer")
	c.refused("/v1/embeddings", `{"model":"tiny-decoder","input":"a"}`, http.StatusNotFound, "does not embed")
	c.refused("/predict", `x`, http.StatusNotFound, "does not classify")
	c = serve(t, tiny.Text, tiny.Graph(tiny.Text))
	c.refused("/v1/completions", `{"model":"tiny-text","prompt":"a"}`, http.StatusNotFound, "does not generate")
}

func TestNotReadyIs503(t *testing.T) {
	server := httptest.NewServer(rest.New(metrics.New("m")))
	t.Cleanup(server.Close)
	client{t, server.URL}.refused("/v1/completions", ask+`}`, http.StatusServiceUnavailable, "still loading")
}

// begin sends a request for a stream and reads its first n events.
func (c client) begin(ctx context.Context, n int) (*http.Response, *bufio.Reader) {
	c.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", c.url+"/v1/completions", strings.NewReader(ask+asEvents))
	require.NoError(c, err)
	reply, err := http.DefaultClient.Do(r)
	require.NoError(c, err)
	c.Cleanup(func() { reply.Body.Close() })
	events := bufio.NewReader(reply.Body)
	for range 2 * n {
		_, err := events.ReadString('\n')
		require.NoError(c, err)
	}
	return reply, events
}

func TestAnErrorAfterTheStartIsAnEvent(t *testing.T) {
	pace := make(chan error, 2)
	c, _ := writer(t, pace)
	pace <- nil
	pace <- errors.New("out of memory")
	_, events := c.begin(context.Background(), 1)
	line, err := events.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, `data: {"error":{"message":"out of memory","type":"server_error","code":"compute_failed"}}`+"\n", line)
	_, err = events.ReadString('\n')
	require.NoError(t, err)
	_, err = events.ReadString('\n')
	require.Error(t, err, "no [DONE]")
	require.Contains(t, c.get("/metrics"), `stackbench_requests_total{code="500",model="tiny-decoder"} 1`)
}

// Each event is there before the next token is computed, and a client that
// leaves makes room for the next.
func TestEventsComeAtOnceAndLeavingStops(t *testing.T) {
	pace := make(chan error)
	c, _, left := watched(t, pace)
	ctx, leave := context.WithCancel(context.Background())
	sent := make(chan struct{})
	go func() { defer close(sent); pace <- nil }()
	c.begin(ctx, 1)
	<-sent

	waits := make(chan int, 1)
	go func() {
		reply, err := http.Post(c.url+"/v1/completions", "application/json", strings.NewReader(ask+`}`))
		if err != nil {
			t.Error(err)
			waits <- 0
			return
		}
		reply.Body.Close()
		waits <- reply.StatusCode
	}()
	requireEventually(t, func() bool {
		return strings.Contains(c.get("/metrics"), `stackbench_queue_depth{model="tiny-decoder"} 1`)
	})
	status, header, _ := c.do("POST", "/v1/completions", []byte(ask+`}`))
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, "1", header.Get("Retry-After"))
	leave()
	<-left
	go func() {
		for range 4 { // the execution under way, whose answer nobody hears, and the three of the one that waited
			pace <- nil
		}
	}()
	require.Equal(t, http.StatusOK, <-waits)
	requireEventually(t, func() bool {
		return strings.Contains(c.get("/metrics"), `stackbench_requests_total{code="499",model="tiny-decoder"} 1`)
	})
}
