package fakestack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"stackbench"
	"stackbench/internal/fake"
	"stackbench/internal/quality"
	"stackbench/internal/workload"
)

// cheating puts in front of an honest server what the kind says.
func cheating(kind string, g *quality.Golden, ids map[string]string, right http.HandlerFunc) http.Handler {
	honest := fake.Computes(5*time.Millisecond, right)
	switch kind {
	case "honest":
		return honest
	case "bytes":
		return fake.Remembers(fake.Bytes, honest)
	case "words":
		return fake.Remembers(fake.Words, honest)
	case "garbage":
		texts := func(body []byte) []string {
			var ask struct{ Input []string }
			_ = json.Unmarshal(body, &ask)
			return ask.Input
		}
		committed := func(body []byte) bool {
			_, ok := ids[plain(strings.Join(texts(body), " "))]
			return ok
		}
		return fake.Pretends(committed, func(body []byte) []byte { return embeddings(g, ids, make([]string, len(texts(body)))) }, honest)
	}
	return right
}

func idsOfTexts() (map[string]string, error) {
	have, err := workload.Count(stackbench.Testdata())
	ids := map[string]string{}
	for bucket := range have.Texts {
		list, err := workload.NewTexts(stackbench.Testdata(), bucket)
		if err != nil {
			return nil, err
		}
		for _, t := range list.Known() {
			ids[plain(t.Text)] = t.ID
		}
	}
	return ids, err
}

func plain(text string) string { return strings.ToLower(strings.Join(strings.Fields(text), " ")) }

func embeddings(g *quality.Golden, ids map[string]string, texts []string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"object":"list","model":"m","usage":{"prompt_tokens":1,"total_tokens":1},"data":[`)
	for i, t := range texts {
		if i > 0 {
			b.WriteByte(',')
		}
		v, _ := json.Marshal(answerTo(g, ids, t))
		fmt.Fprintf(&b, `{"object":"embedding","index":%d,"embedding":%s}`, i, v)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// answerTo is the golden embedding, or of a text that was made one that depends
// on its words alone.
func answerTo(g *quality.Golden, ids map[string]string, text string) []float32 {
	if v, ok := g.Answers[ids[plain(text)]]; ok {
		return v
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(plain(text)))
	rng := rand.New(rand.NewPCG(h.Sum64(), 0))
	v := make([]float32, 384)
	for i := range v {
		v[i] = float32(rng.NormFloat64() / math.Sqrt(float64(len(v))))
	}
	return v
}
