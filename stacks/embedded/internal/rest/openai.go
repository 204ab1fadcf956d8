package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/jsontext"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/tensor"
)

type embeddingsRequest struct {
	Model      string    `json:"model"`
	Input      textInput `json:"input"`
	Encoding   string    `json:"encoding_format"`
	Dimensions *int      `json:"dimensions"`
}

// textInput is one text or a list of texts.
type textInput []string

// UnmarshalJSON reads a string or a list of strings.
func (t *textInput) UnmarshalJSON(raw []byte) error {
	if raw[0] != '"' {
		return json.Unmarshal(raw, (*[]string)(t))
	}
	*t = make(textInput, 1)
	return json.Unmarshal(raw, &(*t)[0])
}

// openAIError is the error that OpenAI's clients expect.
type openAIError struct {
	Error openAIErrorBody `json:"error"`
}

type openAIErrorBody struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    string `json:"code"`
}

func writeOpenAIError(w http.ResponseWriter, err error) {
	writeJSON(w, retrying(w, err), openAIErrorOf(err))
}

func openAIErrorOf(err error) openAIError {
	body := openAIErrorBody{Message: err.Error(), Type: "invalid_request_error"}
	switch fault.KindOf(err) {
	case fault.Invalid:
		body.Code = "invalid_value"
	case fault.Unknown:
		body.Code = "model_not_found"
	case fault.TooLarge:
		body.Code = "request_too_large"
	case fault.Full:
		body.Type, body.Code = "rate_limit_error", "queue_full"
	case fault.NotReady, fault.Gone:
		body.Type, body.Code = "server_error", "not_ready"
	default:
		body.Type, body.Code = "server_error", "compute_failed"
	}
	return openAIError{body}
}

// embedder is a model that gives the embeddings [n, dim] of n texts, and the
// tokens that they became.
type embedder interface {
	Embed(ctx context.Context, texts []string) (embeddings tensor.Tensor, tokens int, err error)
}

// embeddings answers POST /v1/embeddings.
func (a *API) embeddings(s service.Served, w http.ResponseWriter, r *http.Request) error {
	request, err := parseEmbeddings(s, r)
	if err != nil {
		return err
	}
	model, err := service.As[embedder](s, "embed texts")
	if err != nil {
		return err
	}
	output, tokens, err := model.Embed(r.Context(), request.Input)
	if err != nil {
		return err
	}
	start := time.Now()
	body, err := encodeEmbeddings(request, output, tokens)
	if err != nil {
		return err
	}
	a.metrics.Postprocessed(time.Since(start))
	writeBody(w, http.StatusOK, "application/json", body)
	return nil
}

func parseEmbeddings(s service.Served, r *http.Request) (*embeddingsRequest, error) {
	body, err := readBody(r, 0)
	if err != nil {
		return nil, err
	}
	request := &embeddingsRequest{Encoding: "float"}
	if err := json.Unmarshal(body, request); err != nil {
		return nil, fault.New(fault.Invalid, "parse the request's JSON: %v", err)
	}
	switch {
	case request.Model != s.Info().Model:
		return nil, fault.New(fault.Unknown, "unknown model %q: this server has %s", request.Model, s.Info().Model)
	case len(request.Input) == 0:
		return nil, fault.New(fault.Invalid, "input must be a string or a list of strings, and not empty")
	case len(request.Input) > service.MaxItems:
		return nil, fault.New(fault.TooLarge, "%d texts in one request are over the limit of %d", len(request.Input), service.MaxItems)
	case request.Encoding != "float" && request.Encoding != "base64":
		return nil, fault.New(fault.Invalid, "encoding_format is %q; it can be float or base64", request.Encoding)
	case request.Dimensions != nil:
		return nil, fault.New(fault.Invalid, "dimensions cannot be set for %s", request.Model)
	}
	return request, nil
}

func encodeEmbeddings(r *embeddingsRequest, output tensor.Tensor, tokens int) ([]byte, error) {
	count, dim := output.Rows(), int(output.Shape[1])
	b := make([]byte, 0, 256+count*(64+13*dim))
	b = append(b, `{"object":"list","data":[`...)
	for i := range count {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"object":"embedding","index":`...), int64(i), 10)
		b = append(b, `,"embedding":`...)
		row := output.F32[i*dim:][:dim]
		if r.Encoding == "base64" {
			raw := tensor.Tensor{Type: tensor.FP32, F32: row}.AppendRaw(make([]byte, 0, 4*dim))
			b = append(base64.StdEncoding.AppendEncode(append(b, '"'), raw), '"')
		} else {
			var err error
			if b, err = jsontext.AppendFloats(b, row); err != nil {
				return nil, err
			}
		}
		b = append(b, '}')
	}
	b = jsontext.AppendString(append(b, `],"model":`...), r.Model)
	b = strconv.AppendInt(append(b, `,"usage":{"prompt_tokens":`...), int64(tokens), 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), int64(tokens), 10)
	return append(b, `}}`...), nil
}
