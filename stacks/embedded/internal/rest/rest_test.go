package rest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/stacks/embedded/internal/batch"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/rest"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tiny"
)

// client talks to a server of one tiny model whose graph is computed in Go.
type client struct {
	*testing.T
	url string
}

func serve(t *testing.T, model string, g batch.Graph) client {
	m, err := store.Open(tiny.Store(t), model)
	require.NoError(t, err)
	met := metrics.New(model)
	info := service.Info{Model: model, Runtime: "go", Device: "cpu", Threads: 1, WeightsSHA256: m.Weights.SHA256}
	live, err := service.NewLive(m, info, g, met, batch.Options{Waiting: 1, InFlight: 1})
	require.NoError(t, err)
	api := rest.New(met)
	api.Ready(live)
	server := httptest.NewServer(api)
	t.Cleanup(func() { server.Close(); live.Close() })
	return client{t, server.URL}
}

func (c client) do(method, path string, body []byte, header ...string) (int, http.Header, []byte) {
	c.Helper()
	r, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	require.NoError(c, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	reply, err := http.DefaultClient.Do(r)
	require.NoError(c, err)
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	require.NoError(c, err)
	return reply.StatusCode, reply.Header, content
}

func (c client) get(path string) string {
	c.Helper()
	status, _, body := c.do("GET", path, nil)
	require.Equal(c, http.StatusOK, status, string(body))
	return string(body)
}

// refused checks a request's error.
func (c client) refused(path, body string, status int, message string, header ...string) {
	c.Helper()
	got, h, reply := c.do("POST", path, []byte(body), header...)
	require.Equal(c, status, got, string(reply))
	require.Equal(c, "application/json", h.Get("Content-Type"))
	require.Contains(c, string(reply), message)
	require.True(c, json.Valid(reply))
}

func photograph(t *testing.T, id string) []byte {
	file, err := fs.ReadFile(stackbench.Testdata(), "images/"+id+".jpg")
	require.NoError(t, err)
	return file
}

func TestMetadata(t *testing.T) {
	c := serve(t, tiny.Image, tiny.Graph(tiny.Image))
	require.JSONEq(t, `{"name":"stackbench-embedded","version":"1","extensions":["binary_tensor_data"]}`, c.get("/v2"))
	require.JSONEq(t, `{"live":true}`, c.get("/v2/health/live"))
	require.JSONEq(t, `{"ready":true}`, c.get("/v2/health/ready"))
	require.JSONEq(t, `{"name":"tiny-image","ready":true}`, c.get("/v2/models/tiny-image/ready"))
	require.JSONEq(t, `{"name":"tiny-image","versions":["1"],"platform":"onnxruntime_onnx",
		"inputs":[{"name":"pixel_values","datatype":"FP32","shape":[-1,3,8,8]}],
		"outputs":[{"name":"logits","datatype":"FP32","shape":[-1,7]}]}`, c.get("/v2/models/tiny-image"))
	require.JSONEq(t, `{"name":"tiny-image_jpeg","versions":["1"],"platform":"onnxruntime_onnx",
		"inputs":[{"name":"IMAGE","datatype":"BYTES","shape":[-1,1]}],
		"outputs":[{"name":"logits","datatype":"FP32","shape":[-1,7]}]}`, c.get("/v2/models/tiny-image_jpeg/versions/1"))
	require.JSONEq(t, `{"status":"ok","model":"tiny-image","runtime":"go","device":"cpu","threads":1,"weights_sha256":"00","max_batch":0}`, c.get("/healthz"))
	status, _, body := c.do("GET", "/v2/models/other", nil)
	require.Equal(t, http.StatusNotFound, status)
	require.JSONEq(t, `{"error":"unknown model \"other\": this server has tiny-image and tiny-image_jpeg"}`, string(body))
}

func TestNotReadyUntilTheModelIsLoaded(t *testing.T) {
	server := httptest.NewServer(rest.New(metrics.New("m")))
	defer server.Close()
	c := client{t, server.URL}
	require.JSONEq(t, `{"live":true}`, c.get("/v2/health/live"))
	for _, path := range []string{"/v2/health/ready", "/healthz", "/v2/models/m", "/v2/models/m/ready"} {
		status, _, body := c.do("GET", path, nil)
		require.Equal(t, http.StatusServiceUnavailable, status, path)
		require.Contains(t, string(body), "still loading")
	}
	c.refused("/predict", "x", http.StatusServiceUnavailable, "still loading")
	c.refused("/v2/models/m/infer", "{}", http.StatusServiceUnavailable, "still loading")
	c.refused("/v1/embeddings", "{}", http.StatusServiceUnavailable, "still loading")
}
