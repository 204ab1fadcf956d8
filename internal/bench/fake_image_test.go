package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/fake"
	"stackbench/internal/golden"
	"stackbench/internal/host"
	"stackbench/internal/quality"
	"stackbench/internal/results"
	"stackbench/internal/stack"
	"stackbench/internal/suite"
	"stackbench/internal/task"
	"stackbench/internal/workload"
)

const (
	resnet  = "resnet50"
	classes = 1000
	// computing is how long a picture takes at least.
	computing = slowness * 50 * time.Millisecond
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
	c.golden, err = quality.ReadGolden(stackbench.Testdata(), resnet)
	return c, err
}

// serveImages answers as it says: right at once, honest after computing, pixels
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
	honest := fake.Computes(computing, right)
	handler := map[string]http.Handler{
		"right": right, "honest": honest, "pixels": fake.Remembers(fake.Pixels, honest),
		"garbage": fake.Pretends(c.committed, func([]byte) []byte { return asOIP(made("anything")) }, honest),
	}[how]
	http.Handle("POST /v2/models/"+resnet+"_jpeg/infer", handler)
	return nil
}

func (c classifier) committed(body []byte) bool { return c.ids[ending(body)] != "" }

// logits are the golden ones, or of a picture that was made some that depend on
// its pixels alone.
func (c classifier) logits(body []byte) []float32 {
	if id := c.ids[ending(body)]; id != "" {
		return c.golden.Answers[quality.ID(id, stack.JPEG)]
	}
	return made(fake.Pixels(body))
}

func made(from string) []float32 {
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

// cheatedImages measures a classifier that does as it says, beside an honest
// reference.
func cheatedImages(t *testing.T, how string) results.Trial {
	t.Helper()
	r, notes := testRun(t, suite.Case{Task: stack.ImageClassification, Model: resnet, Proto: stack.REST, Input: stack.JPEG, Batch: 1, Load: suite.Closed(1)})
	known, err := quality.ReadGolden(stackbench.Testdata(), resnet)
	require.NoError(t, err)
	r.Host.Models = map[string]*host.Prepared{resnet: {
		Served: task.Served{Model: stack.Model{Name: resnet, Task: stack.ImageClassification}, Source: known.Source, SHA256: known.SHA256, Width: classes},
	}}
	r.Golden.Models = map[string]*golden.Reference{resnet: {Prepared: r.Host.Models[resnet], Right: task.Right{Golden: known}}}
	r.set(func(o *suite.Options) { o.Window = 2 * cheatWindow }) // a picture is decoded, too, and a busy machine takes long
	r.Group.Name, r.Group.Title = "image_classification", "ImageClassification"
	serving := func(name, how string) stack.Stack {
		s := patient(fakeStack(t, name, "image:"+how))
		s.Serves = []stack.Capability{{Task: stack.ImageClassification, Proto: stack.REST, Input: stack.JPEG, Contract: stack.OIP}}
		return s
	}
	r.Golden.Of = serving("reference", "right")
	s := serving("fake", how)
	testing.Benchmark(func(b *testing.B) { r.cases(context.Background(), b, s, resnet) })
	kept, err := results.Open(r.log.Dir())
	require.NoError(t, err)
	require.Len(t, kept.Trials, 1, notes.String())
	require.Empty(t, kept.Trials[0].Error)
	return kept.Trials[0]
}
