package fakestack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"stackbench"
	"stackbench/internal/fake"
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/workload"
)

const (
	classes = 1000
	// Computing is how long an honest classifier takes for a picture at least.
	Computing = slowness * 50 * time.Millisecond
)

// classifier answers the Open Inference Protocol to one JPEG a request.
type classifier struct {
	golden *quality.Golden
	ids    map[string]string // of the committed photographs, by how their files end
}

// ending tells photographs apart, however often one is retouched: that changes
// a table at the file's beginning.
func ending(file []byte) string { return string(file[max(0, len(file)-1024):]) }

func newClassifier() (classifier, error) {
	c := classifier{ids: map[string]string{}}
	photos, err := workload.Photographs(stackbench.Testdata())
	if err != nil {
		return c, err
	}
	for _, p := range photos {
		c.ids[ending(p.JPEG)] = p.ID
	}
	c.golden, err = quality.ReadGolden(stackbench.Testdata(), ResNet50)
	return c, err
}

// serveImages answers as it says: right at once, honest after Computing, pixels
// honest behind a cache by pixels, garbage the same logits to whatever picture
// is not committed.
func serveImages(how string) error {
	c, err := newClassifier()
	if err != nil {
		return err
	}
	right := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		size, _ := strconv.Atoi(r.Header.Get("Inference-Header-Content-Length"))
		_, _ = w.Write(asOIP(c.logits(body[size:]))) // who went away does not matter
	})
	honest := fake.Computes(Computing, right)
	handler := map[string]http.Handler{
		"right": right, "honest": honest, "pixels": fake.Remembers(fake.Pixels, honest),
		"garbage": fake.Pretends(c.committed, func([]byte) []byte { return asOIP(drawn("anything")) }, honest),
	}[how]
	http.Handle("POST /v2/models/"+ResNet50+"_jpeg/infer", handler)
	return nil
}

func (c classifier) committed(body []byte) bool { return c.ids[ending(body)] != "" }

// logits are the golden ones, or of a picture that was made some that depend on
// its pixels alone.
func (c classifier) logits(body []byte) []float32 {
	if id := c.ids[ending(body)]; id != "" {
		return c.golden.Answers[quality.ID(id, stack.JPEG)]
	}
	return drawn(fake.Pixels(body))
}

func drawn(from string) []float32 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, from) // a hash takes everything
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	out := make([]float32, classes)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
	}
	return out
}

func asOIP(logits []float32) []byte {
	values, _ := json.Marshal(logits) // finite
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"outputs":[{"name":"logits","datatype":"FP32","shape":[1,%d],"data":%s}]}`, len(logits), values)
	return b.Bytes()
}
