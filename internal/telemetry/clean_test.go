package telemetry

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// joined is a page as a gateway makes it of two workers': the lines that say
// what a metric is come twice, and a bucket has an exemplar.
const joined = `# HELP vllm:generation_tokens_total Tokens made.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0"} 200
# TYPE vllm:prefix_cache_queries_total counter
vllm:prefix_cache_queries_total{engine="0"} 400 1795462361.25
# TYPE vllm:prefix_cache_hits_total counter
vllm:prefix_cache_hits_total{engine="0"} 40
# HELP vllm:time_to_first_token_seconds First token.
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.5"} 18 # {trace_id="t1"} 0.2
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf"} 19 # {trace_id="t # {2}"} 0.7 1795462361.5
vllm:time_to_first_token_seconds_count{engine="0"} 19
vllm:time_to_first_token_seconds_sum{engine="0"} 3.5
# HELP vllm:generation_tokens_total Tokens made, again.
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="1 # 2} \" 3"} 68
# EOF
`

func TestWhatIsNotOfThePlainFormatIsLeftOut(t *testing.T) {
	r, err := parseVLLM([]byte(joined), Source{})
	require.NoError(t, err)
	require.Equal(t, 268.0, *r.Generation.Tokens)
	require.Equal(t, Prefix{Asked: 400, Found: 40}, *r.Generation.Prefix)
	require.Equal(t, Sum{Count: 19, Seconds: 3.5}, *r.Generation.First)
}

// A line that cannot be read takes the numbers of its name with it, and no other.
func TestABadLineSpoilsItsOwnName(t *testing.T) {
	for _, bad := range []string{"some_other_metric{a=", "some_other_metric", "some_other_metric x", "another-name 1", "# TYPE some_other_metric nonsense", "vllm:cache{a=\"b\" 1"} {
		r, err := parseVLLM([]byte(bad+"\n"+joined+bad+"\n"), Source{})
		require.NoError(t, err, bad)
		require.Equal(t, 268.0, *r.Generation.Tokens, bad)
		require.Equal(t, Prefix{Asked: 400, Found: 40}, *r.Generation.Prefix, bad)
	}
	for _, bad := range []string{`vllm:generation_tokens_total{engine="2"} many`, `vllm:generation_tokens_total{engine="2} 1`, `vllm:generation_tokens_total{engine=2} 1`, `vllm:time_to_first_token_seconds_sum{engine="1"} ?`} {
		_, err := parseVLLM([]byte(joined+bad+"\n"), Source{})
		require.ErrorContains(t, err, "read the server's metrics: vllm:", "a part of a sum is no sum: %s", bad)
	}
	_, err := parseVLLM([]byte(joined+strings.Repeat("not-a-name 1\n", badLines+1)), Source{})
	require.ErrorContains(t, err, "more than 100 lines")
	_, err = parseVLLM([]byte("Not Found\n"), Source{})
	require.Error(t, err)
}

func FuzzParsePage(f *testing.F) {
	f.Add([]byte(joined))
	f.Add([]byte("a{b=\"c\" 1\n\na 1 2 3 # {"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePage(text)
		if err == nil {
			for name := range p.families {
				_, _, _ = p.number(name, nil)
				_, _ = p.histogram(name, nil)
				_, _ = p.sum(name)
			}
		}
	})
}
