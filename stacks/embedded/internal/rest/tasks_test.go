package rest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/rest"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tiny"
)

// A model answers what it is for; who asks it for anything else is told so, by
// the error of an unknown model.
func TestAModelDoesItsTaskAndNoOther(t *testing.T) {
	for _, model := range []string{tiny.Image, tiny.Text, tiny.Decoder} {
		m, err := store.Describe(tiny.Store(t), model)
		require.NoError(t, err)
		null, err := service.NewNull(m, service.Info{Model: model})
		require.NoError(t, err)
		api := rest.New(metrics.New(model))
		api.Ready(null)
		server := httptest.NewServer(api)
		t.Cleanup(server.Close)
		c := client{t, server.URL}
		for _, ask := range []struct{ does, path, body, refusal string }{
			{tiny.Image, "/predict", `x`, "does not classify images"},
			{tiny.Text, "/v1/embeddings", `{"model":%q,"input":"a"}`, "does not embed texts"},
			{tiny.Decoder, "/v1/completions", `{"model":%q,"prompt":"a"}`, "does not generate text"},
			{tiny.Decoder, "/v1/completions", `{"model":%q,"prompt":"a","stream":true}`, "does not generate text"},
		} {
			body := ask.body
			if body != "x" {
				body = fmt.Sprintf(body, model)
			}
			if model != ask.does {
				c.refused(ask.path, body, http.StatusNotFound, model+" "+ask.refusal)
				continue
			}
			status, _, reply := c.do("POST", ask.path, []byte(body))
			require.Equal(t, http.StatusOK, status, "%s %s: %s", model, ask.path, reply)
		}
		w := c.talk()
		w.say(fmt.Sprintf(`{"type":"generate","model":%q,"prompt":"bc","max_tokens":1}`, model))
		if model == tiny.Decoder {
			w.hear(`{"type":"token","text":" null","tokens":1}`, `{"type":"end","tokens":1,"prompt_tokens":1,"finish_reason":"length"}`)
		} else {
			w.hear(fmt.Sprintf(`{"type":"error","code":404,"message":"%s does not generate text"}`, model))
		}
	}
}
