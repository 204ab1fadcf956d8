package generation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/generation"
)

func TestSampling(t *testing.T) {
	check := func(text string, want generation.Request) {
		t.Helper()
		s, err := generation.ParseSampling([]byte(text))
		require.NoError(t, err)
		got, err := s.Request("a")
		require.NoError(t, err)
		want.Prompt = "a"
		require.Equal(t, want, got)
	}
	check(`{}`, generation.Request{Max: generation.DefaultMax})
	check(`{"max_tokens":4,"min_tokens":4,"ignore_eos":true,"temperature":0,"seed":7}`, generation.Request{Max: 4, Min: 4, IgnoreEOS: true})
	check(`{"max_tokens":4,"n":1,"stop":null,"logprobs":null,"echo":false,"temperature":0.0}`, generation.Request{Max: 4})
	check(`{"max_tokens":4,"stop":[],"logprobs":false,"top_p":1}`, generation.Request{Max: 4})

	refuse := func(text, want string) {
		t.Helper()
		s, err := generation.ParseSampling([]byte(text))
		if err == nil {
			_, err = s.Request("a")
		}
		require.ErrorContains(t, err, want)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	}
	refuse(`{`, "parse the sampling parameters")
	refuse(`{"temperature":0.7}`, "temperature is 0.7: only greedy decoding")
	refuse(`{"n":2}`, "n is 2")
	refuse(`{"stop":"."}`, "stop, logprobs and echo")
	refuse(`{"logprobs":0}`, "stop, logprobs and echo")
	refuse(`{"echo":true}`, "stop, logprobs and echo")
	refuse(`{"max_tokens":0}`, "max_tokens is 0")
	refuse(`{"max_tokens":2,"min_tokens":-1}`, "min_tokens is -1")
}

func FuzzParseSampling(f *testing.F) {
	f.Add([]byte(`{"max_tokens":4,"min_tokens":4,"ignore_eos":true,"temperature":0,"seed":7}`))
	f.Add([]byte(`{"stop":[],"logprobs":false,"n":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := generation.ParseSampling(raw)
		if err != nil {
			return
		}
		if r, err := s.Request("a"); err == nil {
			require.NoError(t, r.Check())
		}
	})
}
