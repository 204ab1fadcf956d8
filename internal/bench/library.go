package bench

import (
	"context"
	"os"

	"stackbench/internal/fetch"
)

func (e *environment) findLibrary(ctx context.Context, progress fetch.Progress) error {
	e.library = os.Getenv("STACKBENCH_ORT_LIB")
	return nil
}
