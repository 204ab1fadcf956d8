package trial

import (
	"context"
	"fmt"

	"stackbench/internal/host"
	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/task"
	"stackbench/internal/usage"
)

// footprint measures the memory that embedding 1,000 texts takes, above what
// the stack held when it had just become ready.
func footprint(ctx context.Context, w *task.Work, s *host.Server, batch int) (*meter.Footprint, error) {
	if s.Usage == nil {
		return nil, nil
	}
	idle, err := s.Usage.Read()
	if err != nil {
		return nil, fmt.Errorf("measure the footprint: %w", err)
	}
	sampler, err := usage.Start(s.Usage, sampleEvery/5)
	if err != nil {
		return nil, fmt.Errorf("measure the footprint: %w", err)
	}
	err = w.Each(ctx, (1000+batch-1)/batch, func(int, record.Answer) error { return nil })
	sum, stopErr := sampler.Stop()
	if err != nil {
		return nil, fmt.Errorf("measure the footprint: %w", err)
	}
	if stopErr != nil {
		return nil, fmt.Errorf("measure the footprint: %w", stopErr)
	}
	return &meter.Footprint{Peak: uint64(sum.Peak), Idle: uint64(idle.Memory)}, nil
}
