package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/oip"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/tensor"
)

// lengthHeader says how many bytes of a body are JSON when raw data follows.
const lengthHeader = "Inference-Header-Content-Length"

// findVersion returns the spec that a path names; every model has one version.
func findVersion(s service.Served, r *http.Request) (service.Spec, error) {
	if v := r.PathValue("version"); v != "" && v != oip.Version {
		return service.Spec{}, fault.New(fault.Unknown, "unknown version %q: every model here has the version %s", v, oip.Version)
	}
	return service.Find(s, r.PathValue("model"))
}

// inferrer is a model that answers the tensors of one of its names by a tensor.
type inferrer interface {
	Infer(ctx context.Context, name string, inputs []tensor.Tensor) (tensor.Tensor, error)
}

// infer answers POST /v2/models/{model}/infer.
func (a *API) infer(s service.Served, w http.ResponseWriter, r *http.Request) error {
	spec, err := findVersion(s, r)
	if err != nil {
		return err
	}
	if err := spec.Inferable(); err != nil {
		return err
	}
	request, err := parseInfer(r)
	if err != nil {
		return err
	}
	if err := request.CheckOutputs(spec.Outputs[0].Name); err != nil {
		return fault.New(fault.Invalid, "%v", err)
	}
	model, err := service.As[inferrer](s, "compute tensors")
	if err != nil {
		return err
	}
	output, err := model.Infer(r.Context(), spec.Name, request.Inputs)
	if err != nil {
		return err
	}
	start := time.Now()
	body, jsonLength, err := request.Reply(spec.Name, output)
	if err != nil {
		return err
	}
	a.metrics.Postprocessed(time.Since(start))
	contentType := "application/json"
	if jsonLength < len(body) {
		contentType = "application/octet-stream"
		w.Header().Set(lengthHeader, strconv.Itoa(jsonLength))
	}
	writeBody(w, http.StatusOK, contentType, body)
	return nil
}

func parseInfer(r *http.Request) (*oip.Request, error) {
	length := -1
	if text := r.Header.Get(lengthHeader); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, fault.New(fault.Invalid, "%s is %q, not a number of bytes", lengthHeader, text)
		}
		length = n
	}
	body, err := readBody(r, max(length, 0))
	if err != nil {
		return nil, err
	}
	if length < 0 {
		length = len(body)
	}
	request, err := oip.Parse(body, length)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%v", err)
	}
	return request, nil
}
