package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/tensor"
	"stackbench/stacks/embedded/internal/tiny"
)

type embeddings struct {
	Object string `json:"object"`
	Data   []struct {
		Object    string          `json:"object"`
		Index     int             `json:"index"`
		Embedding json.RawMessage `json:"embedding"`
	} `json:"data"`
	Model string `json:"model"`
	Usage struct {
		Prompt int `json:"prompt_tokens"`
		Total  int `json:"total_tokens"`
	} `json:"usage"`
}

func (c client) embed(body string) (e embeddings, vectors [][]float32) {
	c.Helper()
	status, _, reply := c.do("POST", "/v1/embeddings", []byte(body))
	require.Equal(c, http.StatusOK, status, string(reply))
	require.NoError(c, json.Unmarshal(reply, &e))
	for i, d := range e.Data {
		require.Equal(c, i, d.Index)
		require.Equal(c, "embedding", d.Object)
		var text string
		var v []float32
		if json.Unmarshal(d.Embedding, &text) == nil {
			raw, err := base64.StdEncoding.DecodeString(text)
			require.NoError(c, err)
			out, err := tensor.FromRaw("", tensor.FP32, []int64{tiny.Dim}, raw)
			require.NoError(c, err)
			v = out.F32
		} else {
			require.NoError(c, json.Unmarshal(d.Embedding, &v))
		}
		vectors = append(vectors, v)
	}
	return e, vectors
}

func TestEmbeddings(t *testing.T) {
	c := serve(t, tiny.Text, tiny.Graph(tiny.Text))
	one, alone := c.embed(`{"model":"tiny-text","input":"a man plays the guitar"}`)
	require.Equal(t, "list", one.Object)
	require.Equal(t, tiny.Text, one.Model)
	require.Equal(t, 7, one.Usage.Prompt) // five words between two special tokens
	require.Equal(t, 7, one.Usage.Total)

	two, both := c.embed(`{"model":"tiny-text","input":["Rain","A man  plays the GUITAR"],"encoding_format":"float"}`)
	require.Equal(t, 10, two.Usage.Prompt)
	require.Equal(t, alone[0], both[1], "padding and neighbours change nothing")
	require.NotEqual(t, both[0], both[1])

	_, encoded := c.embed(`{"model":"tiny-text","input":["rain","a man plays the guitar"],"encoding_format":"base64"}`)
	require.Equal(t, both, encoded)

	status, _, reply := c.do("POST", "/v2/models/tiny-text_text/infer", []byte(`{"inputs":[{"name":"TEXT","datatype":"BYTES","shape":[1,1],"data":["rain"]}]}`))
	require.Equal(t, http.StatusOK, status, string(reply))
	var oip struct {
		Outputs []struct{ Data []float32 } `json:"outputs"`
	}
	require.NoError(t, json.Unmarshal(reply, &oip))
	require.Equal(t, both[0], oip.Outputs[0].Data)
}

func TestEmbeddingsErrors(t *testing.T) {
	c := serve(t, tiny.Text, tiny.Graph(tiny.Text))
	check := func(body string, status int, code, message string) {
		t.Helper()
		got, _, reply := c.do("POST", "/v1/embeddings", []byte(body))
		require.Equal(t, status, got, string(reply))
		var e struct {
			Error struct{ Message, Type, Code string } `json:"error"`
		}
		require.NoError(t, json.Unmarshal(reply, &e))
		require.Contains(t, e.Error.Message, message)
		require.Equal(t, code, e.Error.Code)
		require.NotEmpty(t, e.Error.Type)
	}
	check(`{`, http.StatusBadRequest, "invalid_value", "parse the request's JSON")
	check(`{"model":"x","input":"a"}`, http.StatusNotFound, "model_not_found", `unknown model "x"`)
	check(`{"model":"tiny-text"}`, http.StatusBadRequest, "invalid_value", "not empty")
	check(`{"model":"tiny-text","input":[]}`, http.StatusBadRequest, "invalid_value", "not empty")
	check(`{"model":"tiny-text","input":null}`, http.StatusBadRequest, "invalid_value", "not empty")
	check(`{"model":"tiny-text","input":[1,2]}`, http.StatusBadRequest, "invalid_value", "parse the request's JSON")
	check(`{"model":"tiny-text","input":"a","encoding_format":"hex"}`, http.StatusBadRequest, "invalid_value", `"hex"`)
	check(`{"model":"tiny-text","input":"a","dimensions":2}`, http.StatusBadRequest, "invalid_value", "dimensions")
	check(`{"model":"tiny-text","input":[`+strings.Repeat(`"x",`, service.MaxItems)+`"x"]}`, http.StatusRequestEntityTooLarge, "request_too_large", "over the limit")
	c.refused("/predict", "x", http.StatusNotFound, "does not classify images")
	ids := `{"inputs":[{"name":"input_ids","datatype":"INT64","shape":[1,1],"data":[99]},{"name":"attention_mask","datatype":"INT64","shape":[1,1],"data":[1]}]}`
	c.refused("/v2/models/tiny-text/infer", ids, http.StatusInternalServerError, "out of data bounds")
	ids = strings.Replace(ids, `"shape":[1,1],"data":[1]`, `"shape":[1,2],"data":[1,1]`, 1)
	c.refused("/v2/models/tiny-text/infer", ids, http.StatusBadRequest, "does not fit")
	head := `{"inputs":[{"name":"TEXT","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]}`
	c.refused("/v2/models/tiny-text_text/infer", head+"\x01\x00\x00\x00\xff",
		http.StatusBadRequest, "not UTF-8", "Inference-Header-Content-Length", strconv.Itoa(len(head)))
}

// stalled holds every execution until it is released.
type stalled struct {
	tiny.Graph
	started, release chan struct{}
}

func (s stalled) Run(in []tensor.Tensor) (tensor.Tensor, error) {
	s.started <- struct{}{}
	<-s.release
	return s.Graph.Run(in)
}

func TestFullQueueIs429(t *testing.T) {
	g := stalled{tiny.Graph(tiny.Text), make(chan struct{}, 2), make(chan struct{})}
	c := serve(t, tiny.Text, g)
	answers := make(chan int, 2)
	ask := func() {
		reply, err := http.Post(c.url+"/v1/embeddings", "application/json", strings.NewReader(`{"model":"tiny-text","input":"rain"}`))
		if err != nil {
			t.Error(err)
			return
		}
		reply.Body.Close()
		answers <- reply.StatusCode
	}
	go ask()
	<-g.started
	go ask() // fills the queue of one
	require.Eventually(t, func() bool { return strings.Contains(c.get("/metrics"), `stackbench_queue_depth{model="tiny-text"} 1`) },
		10*time.Second, time.Millisecond)
	c.refused("/v1/embeddings", `{"model":"tiny-text","input":"rain"}`, http.StatusTooManyRequests, "queue_full")
	close(g.release)
	require.Equal(t, http.StatusOK, <-answers)
	require.Equal(t, http.StatusOK, <-answers)
	page := c.get("/metrics")
	require.Contains(t, page, `stackbench_requests_total{code="200",model="tiny-text"} 2`)
	require.Contains(t, page, `stackbench_requests_total{code="429",model="tiny-text"} 1`)
}

func TestMetricsPage(t *testing.T) {
	c := serve(t, tiny.Text, tiny.Graph(tiny.Text))
	c.embed(`{"model":"tiny-text","input":["rain","the man","a"]}`)
	page := c.get("/metrics")
	for _, name := range []string{"queue_seconds", "preprocess_seconds", "compute_seconds", "postprocess_seconds", "batch_size"} {
		require.Contains(t, page, "stackbench_"+name+`_count{model="tiny-text"} 1`)
	}
	require.Contains(t, page, `stackbench_batch_size_sum{model="tiny-text"} 3`)
	for _, bound := range []string{"1", "2", "4", "8", "16", "32", "64", "128"} {
		require.Contains(t, page, `stackbench_batch_size_bucket{model="tiny-text",le="`+bound+`"}`)
	}
}
