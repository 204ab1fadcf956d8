package host

import (
	"context"
	"fmt"
	"time"

	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/wire/http1"
)

// RuntimeOf asks the server what computes in it; "" when it does not say.
func RuntimeOf(ctx context.Context, v stack.Version, at stack.Endpoint) string {
	if at.REST == "" || v.Path == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	page := http1.Fetch(ctx, at.REST, http1.Request{Method: "GET", Path: v.Path})
	if page.Outcome != record.Good {
		return ""
	}
	return v.Read(page.Body)
}

// AskReady asks a server that takes requests before it can answer them whether it can
// now. Its error says what is missing; there is none where a stack does not tell.
func AskReady(ctx context.Context, r stack.Ready, at stack.Endpoint, model string) error {
	if r.Path == "" || at.REST == "" {
		return nil
	}
	path := r.At(model)
	page := http1.Fetch(ctx, at.REST, http1.Request{Method: "GET", Path: path})
	err := page.Err
	if page.Outcome == record.Good {
		err = r.Read(page.Body)
	}
	if err != nil {
		return fmt.Errorf("ask %s%s: %w", at.REST, path, err)
	}
	return nil
}
