package rest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/rest"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
	"stackbench/stacks/embedded/internal/tensor"
	"stackbench/stacks/embedded/internal/tiny"
)

type prediction struct {
	Model string `json:"model"`
	Top   []struct {
		Index int     `json:"index"`
		Logit float32 `json:"logit"`
	} `json:"top"`
}

func TestPredictAgreesWithJPEGOverOIP(t *testing.T) {
	c := serve(t, tiny.Image, tiny.Graph(tiny.Image))
	file := photograph(t, "espresso")
	status, _, body := c.do("POST", "/predict", file, "Content-Type", "image/jpeg")
	require.Equal(t, http.StatusOK, status, string(body))
	var p prediction
	require.NoError(t, json.Unmarshal(body, &p))
	require.Equal(t, tiny.Image, p.Model)
	require.Len(t, p.Top, 5)

	logits := c.binaryLogits(tiny.Image+"_jpeg", [][]byte{file, photograph(t, "tripod")})
	require.Len(t, logits, 2*tiny.Classes)
	for i, top := range p.Top {
		require.Equal(t, logits[top.Index], top.Logit)
		if i > 0 {
			require.GreaterOrEqual(t, p.Top[i-1].Logit, top.Logit)
		}
	}
	require.NotEqual(t, logits[:tiny.Classes], logits[tiny.Classes:])
}

// binaryLogits sends files as one binary BYTES tensor and reads a raw reply.
func (c client) binaryLogits(model string, files [][]byte) []float32 {
	c.Helper()
	raw := tensor.Tensor{Type: tensor.BYTES, Bytes: files}.AppendRaw(nil)
	n := strconv.Itoa(len(files))
	head := `{"inputs":[{"name":"IMAGE","datatype":"BYTES","shape":[` + n + `,1],"parameters":{"binary_data_size":` + strconv.Itoa(len(raw)) + `}}],
		"outputs":[{"name":"logits","parameters":{"binary_data":true}}]}`
	status, h, body := c.do("POST", "/v2/models/"+model+"/infer", append([]byte(head), raw...),
		"Inference-Header-Content-Length", strconv.Itoa(len(head)), "Content-Type", "application/octet-stream")
	require.Equal(c, http.StatusOK, status, string(body))
	length, err := strconv.Atoi(h.Get("Inference-Header-Content-Length"))
	require.NoError(c, err)
	require.JSONEq(c, `{"model_name":"`+model+`","model_version":"1","outputs":[{"name":"logits","datatype":"FP32","shape":[`+n+`,7],
		"parameters":{"binary_data_size":`+strconv.Itoa(4*7*len(files))+`}}]}`, string(body[:length]))
	out, err := tensor.FromRaw("logits", tensor.FP32, []int64{int64(len(files)), tiny.Classes}, body[length:])
	require.NoError(c, err)
	return out.F32
}

func TestInferJSONAgreesWithBinary(t *testing.T) {
	c := serve(t, tiny.Image, tiny.Graph(tiny.Image))
	in := tensor.Tensor{Type: tensor.FP32}
	for i := range 3 * tiny.Side * tiny.Side {
		in.F32 = append(in.F32, float32(i%11)/7)
	}
	data, err := json.Marshal(in.F32)
	require.NoError(t, err)
	head := `{"id":"q","inputs":[{"name":"pixel_values","datatype":"FP32","shape":[1,3,8,8],`
	status, h, asJSON := c.do("POST", "/v2/models/tiny-image/infer", []byte(head+`"data":`+string(data)+`}]}`))
	require.Equal(t, http.StatusOK, status, string(asJSON))
	require.Equal(t, "application/json", h.Get("Content-Type"))

	raw := in.AppendRaw(nil)
	head += `"parameters":{"binary_data_size":` + strconv.Itoa(len(raw)) + `}}]}`
	status, _, asBinary := c.do("POST", "/v2/models/tiny-image/versions/1/infer", append([]byte(head), raw...),
		"Inference-Header-Content-Length", strconv.Itoa(len(head)))
	require.Equal(t, http.StatusOK, status, string(asBinary))
	require.Equal(t, string(asJSON), string(asBinary))
}

func TestInferErrors(t *testing.T) {
	c := serve(t, tiny.Image, tiny.Graph(tiny.Image))
	input := func(rest string) string { return `{"inputs":[{` + rest + `}]}` }
	check := func(body string, status int, message string, header ...string) {
		t.Helper()
		c.refused("/v2/models/tiny-image/infer", body, status, message, header...)
	}
	check(`{`, http.StatusBadRequest, "parse the request's JSON")
	check(`{}`, http.StatusBadRequest, "takes 1 inputs, not 0")
	check(`{}`, http.StatusBadRequest, "not a number of bytes", "Inference-Header-Content-Length", "x")
	check(`{}`, http.StatusBadRequest, "a JSON header of 9 bytes", "Inference-Header-Content-Length", "9")
	check(input(`"name":"y","datatype":"FP32","shape":[1],"data":[1]`), http.StatusBadRequest, `needs an input \"pixel_values\"`)
	check(input(`"name":"pixel_values","datatype":"INT64","shape":[1],"data":[1]`), http.StatusBadRequest, "is FP32, not INT64")
	check(input(`"name":"pixel_values","datatype":"FP32","shape":[1],"data":[1]`), http.StatusBadRequest, "does not fit [-1 3 8 8]")
	check(input(`"name":"pixel_values","datatype":"FP32","shape":[0,3,8,8],"data":[]`), http.StatusBadRequest, "does not fit")
	check(`{"inputs":[],"outputs":[{"name":"z"}]}`, http.StatusBadRequest, `no output \"z\"`)
	c.refused("/v2/models/nope/infer", `{}`, http.StatusNotFound, "unknown model")
	c.refused("/v2/models/tiny-image/versions/2/infer", `{}`, http.StatusNotFound, "unknown version")
	c.refused("/v2/models/tiny-image_jpeg/infer", input(`"name":"IMAGE","datatype":"BYTES","shape":[1],"data":["no JPEG"]`),
		http.StatusBadRequest, "image 0: decode JPEG")
	c.refused("/predict", "", http.StatusBadRequest, "the body is empty")
	c.refused("/predict", "no JPEG", http.StatusBadRequest, "decode JPEG")
	c.refused("/v1/embeddings", `{"model":"tiny-image","input":"a"}`, http.StatusNotFound, "does not embed texts")
	many := strings.Repeat(`"x",`, service.MaxItems) + `"x"`
	c.refused("/v2/models/tiny-image_jpeg/infer", input(`"name":"IMAGE","datatype":"BYTES","shape":[1025],"data":[`+many+`]`),
		http.StatusRequestEntityTooLarge, "over the limit of 1024")
	status, _, _ := c.do("GET", "/predict", nil)
	require.Equal(t, http.StatusMethodNotAllowed, status)
}

// unsized hides the length of a body, so that it is sent in chunks.
type unsized struct{ io.Reader }

func TestChunkedBody(t *testing.T) {
	c := serve(t, tiny.Image, tiny.Graph(tiny.Image))
	reply, err := http.Post(c.url+"/predict", "image/jpeg", unsized{bytes.NewReader(photograph(t, "espresso"))})
	require.NoError(t, err)
	defer reply.Body.Close()
	require.Equal(t, http.StatusOK, reply.StatusCode)
}

func TestBodyOverTheLimitIsRefusedUnread(t *testing.T) {
	api := rest.New(metrics.New("m"))
	m, err := store.Open(tiny.Store(t), tiny.Image)
	require.NoError(t, err)
	null, err := service.NewNull(m, service.Info{})
	require.NoError(t, err)
	api.Ready(null)
	r := httptest.NewRequest("POST", "/predict", strings.NewReader("x"))
	r.ContentLength = 256<<20 + 1
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	require.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
	require.Contains(t, w.Body.String(), "over the limit")
}
