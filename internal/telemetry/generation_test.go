package telemetry

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/stack"
)

// told is a number that a server tells.
func told(v float64) *float64 { return &v }

func TestVLLMsRecordedPages(t *testing.T) {
	s := Source{Kind: stack.VLLMMetrics, Model: "gpt2", At: stack.Endpoint{REST: servePage(t, "vllm/metrics.txt")}}
	before, err := s.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, &Batches{Runs: 12, Items: 12}, before.Batches, "one after the other: a sequence a step, though 24 tokens of prompts and answers were in them")
	require.Equal(t, map[string]Sum{
		Queue: {3, 8.638900180812925e-05}, Preprocess: {3, 0.03657532540455577}, Compute: {3, 0.6240438519998861},
	}, before.Stages, "what the front end takes is what is left of the whole")
	require.Equal(t, &Generation{
		Tokens: told(12), First: &Sum{3, 0.19170832633972168}, Between: &Sum{9, 0.46982684999966295},
		Mean: &Sum{3, 0.15660894999988764}, Whole: &Sum{3, 0.66070556640625}, Prefix: &Prefix{},
	}, before.Generation)
	now, err := s.Gauges(t.Context())
	require.NoError(t, err)
	require.Zero(t, now)

	s.At.REST = servePage(t, "vllm/metrics-after.txt")
	after, err := s.Read(t.Context())
	require.NoError(t, err)
	did, err := after.Since(before)
	require.NoError(t, err)
	require.Equal(t, &Batches{Runs: 34, Items: 256}, did.Batches, "8 users: 7.5 sequences a step, not the 17.1 tokens of its histogram")
	require.Zero(t, did.Batches.Largest(), "not told")
	require.InDelta(t, 256, *did.Generation.Tokens, 0)
	require.InDelta(t, 16, did.Generation.First.Count, 0)
	require.InDelta(t, 16*15, did.Generation.Between.Count, 0)
	require.InDelta(t, did.Generation.Between.Mean(), did.Generation.Mean.Mean(), float64(time.Microsecond), "answers of one length: the same mean")
	require.Equal(t, []string{Queue, Preprocess, Compute}, []string{did.Stages[0].Name, did.Stages[1].Name, did.Stages[2].Name})
	require.Equal(t, &Prefix{}, did.Generation.Prefix)
	require.Zero(t, did.Generation.Prefix.Share())

	_, err = before.Since(after)
	require.ErrorIs(t, err, errBackwards)
}

// tgiPage has TGI's names and types as its recorded page has them, one prompt
// and three more tokens of one request, and three requests of four tokens after.
const tgiPage = `# TYPE tgi_batch_inference_count counter
tgi_batch_inference_count{method="prefill"} 4
tgi_batch_inference_count{method="decode"} 6
# TYPE tgi_queue_size gauge
tgi_queue_size 2
# TYPE tgi_batch_current_size gauge
tgi_batch_current_size 5
# TYPE tgi_request_generated_tokens histogram
tgi_request_generated_tokens_bucket{le="+Inf"} 4
tgi_request_generated_tokens_sum 16
tgi_request_generated_tokens_count 4
# TYPE tgi_request_duration histogram
tgi_request_duration_bucket{le="+Inf"} 4
tgi_request_duration_sum 0.8
tgi_request_duration_count 4
# TYPE tgi_request_queue_duration histogram
tgi_request_queue_duration_bucket{le="+Inf"} 4
tgi_request_queue_duration_sum 0.2
tgi_request_queue_duration_count 4
# TYPE tgi_request_validation_duration histogram
tgi_request_validation_duration_bucket{le="+Inf"} 4
tgi_request_validation_duration_sum 0.004
tgi_request_validation_duration_count 4
# TYPE tgi_request_inference_duration histogram
tgi_request_inference_duration_bucket{le="+Inf"} 4
tgi_request_inference_duration_sum 0.5
tgi_request_inference_duration_count 4
# TYPE tgi_request_mean_time_per_token_duration histogram
tgi_request_mean_time_per_token_duration_bucket{le="+Inf"} 4
tgi_request_mean_time_per_token_duration_sum 0.1
tgi_request_mean_time_per_token_duration_count 4
`

func TestTGIsPage(t *testing.T) {
	r, err := parseTGI([]byte(tgiPage), Source{})
	require.NoError(t, err)
	require.Equal(t, &Batches{Runs: 10, Items: 16}, r.Batches)
	require.Equal(t, map[string]Sum{Queue: {4, 0.2}, Preprocess: {4, 0.004}, Compute: {4, 0.5}}, r.Stages)
	require.Equal(t, &Generation{Tokens: told(16), Whole: &Sum{4, 0.8}}, r.Generation)
	n, err := crowdTold(t, stack.TGIMetrics, tgiPage)
	require.NoError(t, err)
	require.Equal(t, Gauges{Waiting: 2, Running: 5}, n)
}

// sglangPage has the names and labels of SGLang's documentation: streams and
// whole answers are series of their own, and so is what was found by its place.
const sglangPage = `# TYPE sglang:prompt_tokens_total counter
sglang:prompt_tokens_total{model_name="m",is_streaming="true"} 300
sglang:prompt_tokens_total{model_name="m",is_streaming="false"} 100
# TYPE sglang:generation_tokens_total counter
sglang:generation_tokens_total{model_name="m"} 64
# TYPE sglang:cached_tokens_total counter
sglang:cached_tokens_total{model_name="m",cache_source="device"} 30
sglang:cached_tokens_total{model_name="m",cache_source="host"} 10
# TYPE sglang:num_queue_reqs gauge
sglang:num_queue_reqs{model_name="m"} 3
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{model_name="m"} 7
# TYPE sglang:time_to_first_token_seconds histogram
sglang:time_to_first_token_seconds_bucket{model_name="m",is_streaming="true",le="+Inf"} 3
sglang:time_to_first_token_seconds_sum{model_name="m",is_streaming="true"} 0.3
sglang:time_to_first_token_seconds_count{model_name="m",is_streaming="true"} 3
sglang:time_to_first_token_seconds_bucket{model_name="m",is_streaming="false",le="+Inf"} 1
sglang:time_to_first_token_seconds_sum{model_name="m",is_streaming="false"} 0.5
sglang:time_to_first_token_seconds_count{model_name="m",is_streaming="false"} 1
# TYPE sglang:inter_token_latency_seconds histogram
sglang:inter_token_latency_seconds_bucket{model_name="m",le="+Inf"} 60
sglang:inter_token_latency_seconds_sum{model_name="m"} 0.6
sglang:inter_token_latency_seconds_count{model_name="m"} 60
# TYPE sglang:e2e_request_latency_seconds histogram
sglang:e2e_request_latency_seconds_bucket{model_name="m",le="+Inf"} 4
sglang:e2e_request_latency_seconds_sum{model_name="m"} 1.4
sglang:e2e_request_latency_seconds_count{model_name="m"} 4
`

func TestSGLangsPage(t *testing.T) {
	r, err := parseSGLang([]byte(sglangPage), Source{})
	require.NoError(t, err)
	require.Nil(t, r.Batches, "it counts no executions")
	require.Empty(t, r.Stages, "this one has no histogram of its queue")
	require.Equal(t, &Generation{
		Tokens: told(64), First: &Sum{4, 0.8}, Between: &Sum{60, 0.6}, Whole: &Sum{4, 1.4}, Prefix: &Prefix{400, 40},
	}, r.Generation)
	require.InDelta(t, 0.1, r.Generation.Prefix.Share(), 1e-12)
	n, err := crowdTold(t, stack.SGLangMetrics, sglangPage)
	require.NoError(t, err)
	require.Equal(t, Gauges{Waiting: 3, Running: 7}, n)
}

func TestServersOfTextThatTellNothing(t *testing.T) {
	for _, parse := range []func([]byte, Source) (Reading, error){parseVLLM, parseTGI, parseSGLang} {
		r, err := parse([]byte("go_goroutines 7\n"), Source{})
		require.NoError(t, err)
		did, err := r.Since(Reading{})
		require.NoError(t, err)
		require.Equal(t, Work{Generation: &Generation{}}, did)
		_, err = parse([]byte("<html>"), Source{})
		require.ErrorContains(t, err, "read the server's metrics")
	}
	_, err := crowdTold(t, stack.VLLMMetrics, "go_goroutines 7\n")
	require.ErrorIs(t, err, ErrSilent)
	_, err = parseVLLM([]byte("# TYPE vllm:e2e_request_latency_seconds histogram\nvllm:e2e_request_latency_seconds_sum -1\n"), Source{})
	require.ErrorContains(t, err, "the sum of vllm:e2e_request_latency_seconds is -1")
}

func TestACounterOfTextThatFell(t *testing.T) {
	up := Reading{Generation: &Generation{
		Tokens: told(2), First: &Sum{2, 2}, Between: &Sum{2, 2}, Mean: &Sum{2, 2}, Whole: &Sum{2, 2}, Prefix: &Prefix{2, 2},
	}}
	same, err := up.Since(up)
	require.NoError(t, err)
	require.Equal(t, &Generation{Tokens: told(0), First: &Sum{}, Between: &Sum{}, Mean: &Sum{}, Whole: &Sum{}, Prefix: &Prefix{}}, same.Generation)
	require.Zero(t, same.Generation.First.Mean())
	for want, fell := range map[string]*Generation{
		"generated tokens":    {Tokens: told(1)},
		"time to first token": {First: &Sum{1, 2}},
		"time between tokens": {Between: &Sum{2, 1}},
		"time of a token":     {Mean: &Sum{1, 1}},
		"time of requests":    {Whole: &Sum{}},
		"prefixes of prompts": {Prefix: &Prefix{2, 1}},
	} {
		_, err := Reading{Generation: fell}.Since(up)
		require.ErrorIs(t, err, errBackwards)
		require.ErrorContains(t, err, want)
	}
}

func FuzzParseGeneration(f *testing.F) {
	f.Add(capture(f, "vllm/metrics.txt"))
	f.Add([]byte(tgiPage))
	f.Add([]byte(sglangPage))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, parse := range []func([]byte, Source) (Reading, error){parseVLLM, parseTGI, parseSGLang} {
			got, err := parse(text, Source{})
			if err != nil {
				continue
			}
			_, err = got.Since(Reading{})
			require.NoError(t, err, "everything counts up from nothing")
			again, err := got.Since(got)
			require.NoError(t, err)
			require.Empty(t, again.Stages)
		}
	})
}
