package telemetry

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"stackbench/internal/stack"
)

// reader is how one form of telemetry is read. What a form does not tell is nil.
type reader struct {
	kind  stack.Telemetry
	read  asking[Reading]
	crowd asking[Gauges]
	most  func(ctx context.Context, s Source) int
}

// asking asks a server for something.
type asking[T any] func(ctx context.Context, s Source) (T, error)

// readers are all forms that are read: a row each.
func readers() []reader {
	const metrics = "/metrics"
	return []reader{
		{kind: stack.OwnMetrics, read: onPage(atREST, metrics, parseOwn), crowd: onPage(atREST, metrics, waiting(ownWaiting))},
		{kind: stack.TritonStatistics, read: onPage(atREST, "/v2/models/stats", parseTriton), crowd: onPage(atMetrics, metrics, waiting(tritonWaiting))},
		{kind: stack.TorchServeMetrics, read: readTorchServe, crowd: torchServeCrowd},
		{kind: stack.TEIMetrics, read: onPage(atEither, metrics, parseTEI), crowd: onPage(atEither, metrics, waiting(teiWaiting)), most: teiMost},
		{kind: stack.InfinityState, crowd: onPage(atREST, "/v1/models", waiting(infinityWaiting))},
		{kind: stack.VLLMMetrics, read: onPage(atREST, metrics, parseVLLM), crowd: onPage(atREST, metrics, crowdOf("vllm:num_requests_waiting", "vllm:num_requests_running"))},
		{kind: stack.TGIMetrics, read: onPage(atREST, metrics, parseTGI), crowd: onPage(atREST, metrics, crowdOf("tgi_queue_size", "tgi_batch_current_size"))},
		{kind: stack.SGLangMetrics, read: onPage(atREST, metrics, parseSGLang), crowd: onPage(atREST, metrics, crowdOf("sglang:num_queue_reqs", "sglang:num_running_reqs"))},
	}
}

// onPage reads what stands on a page.
func onPage[T any](at func(stack.Endpoint) string, path string, parse func(page []byte, s Source) (T, error)) asking[T] {
	return func(ctx context.Context, s Source) (T, error) {
		page, err := get(ctx, at(s.At), path)
		if err != nil {
			var none T
			return none, err
		}
		return parse(page, s)
	}
}

func atREST(e stack.Endpoint) string    { return e.REST }
func atMetrics(e stack.Endpoint) string { return e.Metrics }
func atEither(e stack.Endpoint) string  { return cmp.Or(e.Metrics, e.REST) }

// readerOf finds how a form is read; the zero value of a stack that tells nothing.
func readerOf(kind stack.Telemetry) (reader, error) {
	if kind == stack.Silent {
		return reader{}, nil
	}
	all := readers()
	i := slices.IndexFunc(all, func(r reader) bool { return r.kind == kind })
	if i < 0 {
		return reader{}, fmt.Errorf("nothing reads the telemetry %q\nlet the stack tell in a form that the table of readers has, or add a row to it", kind)
	}
	return all[i], nil
}

// HasReader says whether what a stack tells in this form is read.
func HasReader(kind stack.Telemetry) bool {
	r, err := readerOf(kind)
	return err == nil && (r.read != nil || r.crowd != nil)
}

// Read takes a reading.
func (s Source) Read(ctx context.Context) (Reading, error) {
	r, err := readerOf(s.Kind)
	switch {
	case err != nil:
		return Reading{}, err
	case r.read == nil:
		return Reading{}, ErrSilent
	}
	return r.read(ctx, s)
}

// Gauges asks for the requests that are in the server now.
func (s Source) Gauges(ctx context.Context) (Gauges, error) {
	r, err := readerOf(s.Kind)
	switch {
	case err != nil:
		return Gauges{}, err
	case r.crowd == nil:
		return Gauges{}, ErrSilent
	}
	return r.crowd(ctx, s)
}

// Most is the most items that the server itself joins, whatever it was asked
// for; 0 where it does not tell.
func (s Source) Most(ctx context.Context) int {
	r, err := readerOf(s.Kind)
	if err != nil || r.most == nil {
		return 0
	}
	return r.most(ctx, s)
}
