package torchserve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

// Ready returns nil when a worker of the model is up. Without it a request waits
// in the queue, and so says nothing of a worker that never comes up; /ping says
// Healthy before there is one. The server at base (see http1.NewTarget) answers
// for management, too.
func Ready(ctx context.Context, base, model string) error {
	path := "/models/" + url.PathEscape(model)
	r := http1.Fetch(ctx, base, http1.Request{Method: "GET", Path: path})
	if r.Outcome != record.Good {
		return fmt.Errorf("ask %s%s: %w", base, path, r.Err)
	}
	if err := ready(r.Body); err != nil {
		return fmt.Errorf("ask %s%s: %w", base, path, err)
	}
	return nil
}

// ready reads the description of a model, one entry a version.
func ready(body []byte) error {
	var versions []struct {
		Workers []struct {
			Status string `json:"status"`
		} `json:"workers"`
	}
	if err := json.Unmarshal(body, &versions); err != nil {
		return fmt.Errorf("the answer is not TorchServe's JSON (it begins with %.60q): %w", body, err)
	}
	status := "none"
	for _, v := range versions {
		for _, w := range v.Workers {
			if w.Status == "READY" {
				return nil
			}
			status = w.Status
		}
	}
	return fmt.Errorf("its worker is not ready (status %.40s)", status)
}
