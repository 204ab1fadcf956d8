package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
	"stackbench/stacks/embedded/internal/jsontext"
	"stackbench/stacks/embedded/internal/service"
)

type completionsRequest struct {
	generation.Sampling
	Model   string `json:"model"`
	Prompt  string `json:"prompt"`
	Stream  bool   `json:"stream"`
	Options struct {
		Usage bool `json:"include_usage"`
		Each  bool `json:"continuous_usage_stats"`
	} `json:"stream_options"`
}

// generator is a model that gives the chunks of a text, each as soon as it is
// there. An error of give ends it.
type generator interface {
	Generate(ctx context.Context, r generation.Request, give func(generation.Chunk) error) error
}

// generateText is what a model that is no generator does not do.
const generateText = "generate text"

// completions answers POST /v1/completions.
func (a *API) completions(s service.Served, w http.ResponseWriter, r *http.Request) error {
	body, err := readBody(r, 0)
	if err != nil {
		return err
	}
	var request completionsRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return fault.New(fault.Invalid, "parse the request's JSON: %v", err)
	}
	if err := service.Only(s, request.Model); err != nil {
		return err
	}
	order, err := request.Request(request.Prompt)
	if err != nil {
		return err
	}
	model, err := service.As[generator](s, generateText)
	if err != nil {
		return err
	}
	answer := completion{head: completionHead(request.Model)}
	if request.Stream {
		return stream(model, w, r, order, &events{completion: answer, usage: request.Options.Usage, each: request.Options.Each})
	}
	return a.whole(model, w, r, order, answer)
}

// whole answers at once.
func (a *API) whole(model generator, w http.ResponseWriter, r *http.Request, order generation.Request, answer completion) error {
	var text strings.Builder
	var last generation.Chunk
	err := model.Generate(r.Context(), order, func(c generation.Chunk) error {
		text.WriteString(c.Text)
		last = c
		return nil
	})
	if err != nil {
		return err
	}
	start := time.Now()
	last.Text = text.String()
	body := answer.append(make([]byte, 0, 512+len(last.Text)), last, true)
	a.metrics.Postprocessed(time.Since(start))
	writeBody(w, http.StatusOK, "application/json", body)
	return nil
}

// completion is an answer in OpenAI's JSON.
type completion struct{ head string }

// completionHead is what all chunks of an answer begin with.
func completionHead(model string) string {
	b := fmt.Appendf(nil, `{"id":"cmpl-%016x","object":"text_completion","created":%d,"model":`, rand.Uint64(), time.Now().Unix())
	return string(jsontext.AppendString(b, model))
}

// append writes a chunk, or a whole answer, with the usage so far or without.
func (c completion) append(b []byte, chunk generation.Chunk, usage bool) []byte {
	b = append(append(b, c.head...), `,"choices":[{"index":0,"text":`...)
	b = append(jsontext.AppendString(b, chunk.Text), `,"logprobs":null,"finish_reason":`...)
	if chunk.Finish == "" {
		b = append(b, `null}]`...)
	} else {
		b = append(jsontext.AppendString(b, chunk.Finish), `}]`...)
	}
	if usage {
		b = appendUsage(b, chunk)
	}
	return append(b, '}')
}

// appendCount writes the chunk that has nothing but the usage.
func (c completion) appendCount(b []byte, last generation.Chunk) []byte {
	b = append(append(b, c.head...), `,"choices":[]`...)
	return append(appendUsage(b, last), '}')
}

func appendUsage(b []byte, c generation.Chunk) []byte {
	b = strconv.AppendInt(append(b, `,"usage":{"prompt_tokens":`...), int64(c.Prompt), 10)
	b = strconv.AppendInt(append(b, `,"completion_tokens":`...), int64(c.Total), 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), int64(c.Prompt+c.Total), 10)
	return append(b, '}')
}
