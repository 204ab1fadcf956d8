package openai

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/sse"
)

func TestEncodeGeneration(t *testing.T) {
	p := generation.Prompt{Model: "gpt2", Text: `He said "no"`, Tokens: 4, Exact: true, Seed: 7}
	r, err := EncodeCompletion(p, Counted)
	require.NoError(t, err)
	require.Equal(t, "/v1/completions", r.Path)
	require.Contains(t, r.Header, http1.Field{Name: "Accept", Value: "text/event-stream"})
	require.JSONEq(t, `{"model":"gpt2","prompt":"He said \"no\"","max_tokens":4,"min_tokens":4,"ignore_eos":true,"temperature":0,"seed":7,
		"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}`, string(r.Body))
	p.Exact = false
	r, err = EncodeChat(p, Stream)
	require.NoError(t, err)
	require.Equal(t, "/v1/chat/completions", r.Path)
	require.JSONEq(t, `{"model":"gpt2","messages":[{"role":"user","content":"He said \"no\""}],"max_tokens":4,"temperature":0,"seed":7,
		"stream":true,"stream_options":{"include_usage":true}}`, string(r.Body))
	r, err = EncodeCompletion(p, Whole)
	require.NoError(t, err)
	require.JSONEq(t, `{"model":"gpt2","prompt":"He said \"no\"","max_tokens":4,"temperature":0,"seed":7,"stream":false}`, string(r.Body))
	for want, bad := range map[string]generation.Prompt{
		"the prompt is empty": {Model: "m", Tokens: 1}, "it needs a model": {Text: "a", Tokens: 1}, "0 output tokens": {Model: "m", Text: "a"},
	} {
		_, err = EncodeChat(bad, Whole)
		require.ErrorContains(t, err, want)
	}
	_, err = EncodeChat(p, "slowly")
	require.ErrorContains(t, err, `delivery "slowly" is none of whole, stream and counted`)
}

func TestMarks(t *testing.T) {
	type mark = generation.Mark
	for data, want := range map[string]struct{ completion, chat mark }{
		`[DONE]`: {mark{End: true}, mark{End: true}},
		`{"choices":[{"index":0,"text":" a","finish_reason":null}]}`:                                    {mark{Content: true}, mark{}},
		`{"choices":[{"index":0,"text":"","finish_reason":"stop"}]}`:                                    {mark{}, mark{}},
		`{"choices":[{"text":"a"}],"usage":{"prompt_tokens":3,"total_tokens":7,"completion_tokens":4}}`: {mark{Content: true, Total: 4}, mark{Total: 4}},
		`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}`:                              {mark{Total: 4, Bare: true}, mark{Total: 4, Bare: true}},
		`{"choices":[{"delta":{"role":"assistant","content":""}}],"usage":null}`:                        {mark{}, mark{}},
		`{"choices": [{"delta": {"content": "a"}}]}`:                                                    {mark{}, mark{Content: true}},
		`{"choices":[{"delta":{"content":null,"reasoning_content":"hm"}}]}`:                             {mark{}, mark{Content: true}},
		`{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]}`:                       {mark{}, mark{Content: true}},
		`{"choices":[{"delta":{"content":"he wrote \"error\": \"text\": 1"}}]}`:                         {mark{}, mark{Content: true}},
		`{"choices":[{"delta":{"content":"a"},"logprobs":{"content":[]}}],"error":null}`:                {mark{}, mark{Content: true}},
		`{"error":"Input validation error","error_type":"validation"}`:                                  {mark{Fault: true}, mark{Fault: true}},
		`{"error": {"object":"error","message":"too long","code":400}}`:                                 {mark{Fault: true}, mark{Fault: true}},
		`{"object":"error","message":"too long","code":400}`:                                            {mark{Fault: true}, mark{Fault: true}},
		``: {mark{}, mark{}},
	} {
		e := sse.Event{Data: []byte(data)}
		require.Equal(t, want.completion, markCompletion(e), data)
		require.Equal(t, want.chat, markChat(e), data)
	}
	require.True(t, markChat(sse.Event{Type: []byte("error"), Data: []byte("{}")}).Fault)
}

// ask sends one request to a server that answers as a captured one did.
func ask(t *testing.T, name string, h http1.Streaming) record.Reply {
	t.Helper()
	raw, err := os.ReadFile("../../../testdata/captures/" + name)
	require.NoError(t, err)
	script, err := fake.Capture(raw)
	require.NoError(t, err)
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	r, err := EncodeCompletion(generation.Prompt{Model: "gpt2", Text: "a", Tokens: 4}, Stream)
	require.NoError(t, err)
	target, err := http1.NewStreamingTarget(f.Addr(), []http1.Request{r}, h)
	require.NoError(t, err)
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c.Do(t.Context(), 0)
}

// TGI counts the tokens within the last chunk that has text.
func TestTGIsRecordedStream(t *testing.T) {
	r := ask(t, "tgi/completions-stream.http", CompletionEvents())
	require.NoError(t, r.Err)
	require.Len(t, r.Output.Chunks, 4)
	require.Equal(t, 4, r.Output.Tokens)
	n, known := r.Output.Opening()
	require.True(t, known)
	require.Equal(t, 1, n)
	text, err := DecodeStream(record.Answer{Body: r.Body})
	require.NoError(t, err)
	require.Equal(t, generation.Text{Text: "madepowakeno wivumudogo", Tokens: 4, Prompt: 3, Finish: "length", Chunks: 4}, text)
}

func TestTGIsRecordedAnswer(t *testing.T) {
	r := ask(t, "tgi/completions.http", WholeEvents())
	require.NoError(t, r.Err)
	require.Equal(t, record.Output{Tokens: 4}, *r.Output)
	text, err := DecodeText(record.Answer{Body: r.Body})
	require.NoError(t, err)
	require.Equal(t, generation.Text{Text: " mifico mefaba davove dosuga", Tokens: 4, Prompt: 3, Finish: "length"}, text)
}

func TestTGIsRecordedRefusals(t *testing.T) {
	for name, code := range map[string]int{"tgi/chat-no-template.http": 422, "tgi/bad-json.http": 400} {
		r := ask(t, name, ChatEvents())
		require.Equal(t, record.Status, r.Outcome)
		require.Equal(t, code, r.Code)
		require.Nil(t, r.Output)
	}
}

// vLLM counts the tokens in an event of their own, or in each.
func TestVLLMsRecordedStreams(t *testing.T) {
	for name, opened := range map[string]int{"vllm/completions-stream.http": 0, "vllm/completions-counted.http": 1} {
		r := ask(t, name, CompletionEvents())
		require.NoError(t, r.Err)
		require.Len(t, r.Output.Chunks, 4)
		require.Equal(t, 4, r.Output.Tokens)
		require.Equal(t, opened, r.Output.Opened, name)
		text, err := DecodeStream(record.Answer{Body: r.Body})
		require.NoError(t, err)
		require.Equal(t, generation.Text{Text: "worksworksworksworks", Tokens: 4, Prompt: 4, Finish: "length", Chunks: 4}, text)
	}
	r := ask(t, "vllm/completions.http", WholeEvents())
	require.NoError(t, r.Err)
	text, err := DecodeText(record.Answer{Body: r.Body})
	require.NoError(t, err)
	require.Equal(t, generation.Text{Text: "worksworksworksworks", Tokens: 4, Prompt: 4, Finish: "length"}, text)
}

func TestVLLMsRecordedRefusals(t *testing.T) {
	for name, code := range map[string]int{"too-long": 400, "unknown-model": 404, "chat-no-template": 400} {
		r := ask(t, "vllm/"+name+".http", CompletionEvents())
		require.Equal(t, record.Status, r.Outcome)
		require.Equal(t, code, r.Code)
		require.Nil(t, r.Output)
	}
}

func TestWhatIsNoText(t *testing.T) {
	for body, want := range map[string]string{
		"<html>":                    "not the contract's JSON (it begins with \"<html>\")",
		`{"choices":[]}`:            "0 choices",
		`{"choices":[{},{}]}`:       "2 choices",
		`{"error":"no such model"}`: `the server says "no such model"`,
		`{"choices":[{"text":"a"}],"usage":{"completion_tokens":-1}}`: "usage counts 0 and -1 tokens",
	} {
		_, err := DecodeText(record.Answer{Body: []byte(body)})
		require.ErrorContains(t, err, want, body)
	}
	for body, want := range map[string]string{
		"":                                     "no [DONE]",
		"data: {\"choices\":[]}\n\n":           "no [DONE]",
		"data: {\"choices\":[{},{}]}\n\n":      "2 choices",
		"data: nonsense\n\ndata: [DONE]\n\n":   "not the contract's JSON",
		"data: {\"error\":{\"code\":400}}\n\n": `the server says {"code":400}`,
	} {
		_, err := DecodeStream(record.Answer{Body: []byte(body)})
		require.ErrorContains(t, err, want, body)
	}
}

// The forms that servers and gateways give a chat's text, by its bytes and decoded.
func TestFormsOfAText(t *testing.T) {
	for delta, want := range map[string]string{
		`{"content":"ro"}`: "ro",
		`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"ro"}]}`: "hmro",
		`{"content":[{"type":"thinking","thinking":"hm"}]}`:                                                      "hm",
		`{"content":[{"type":"text","text":""}]}`:                                                                "",
		`{"content":[],"reasoning_details":[]}`:                                                                  "",
		`{"content":"","reasoning_details":[{"type":"reasoning.text","text":"hm","index":0}]}`:                   "hm",
		`{"content":"","reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}`:            "hm",
		`{"content":null,"reasoning_details":[{"type":"reasoning.summary","summary":"hm"}]}`:                     "hm",
		`{"content":null,"reasoning_details":[{"type":"reasoning.encrypted","data":"aGo="}]}`:                    "",
		`{"refusal":"no"}`: "no",
		`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":{"city":"x"}}}]}`: `{"city":"x"}`,
		`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"city\":"}}]}`: `{"city":`,
		`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":""}}]}`:           "",
		`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":null}}]}`:         "",
		`{"tool_calls":[{"index":0,"function":{"name":"f"}}]}`:                          "",
		`{"function_call":{"name":"f","arguments":"{}"}}`:                               "{}",
		`{"content":[[[[[["too deep"]]]]]]}`:                                            "",
	} {
		data := []byte(`{"choices":[{"logprobs":{"content":[{"token":"x","text":"x"}]},"delta":` + delta + `}]}`)
		require.Equal(t, want != "", markChat(sse.Event{Data: data}).Content, delta)
		m, err := decode(data)
		require.NoError(t, err, delta)
		require.Equal(t, want, m.Choices[0].text(), delta)
	}
}

// What a server gave up is no answer, streamed or whole.
func TestWhatWasGivenUp(t *testing.T) {
	for body, want := range map[string]string{
		`{"choices":[{"text":"a","finish_reason":"abort"}]}`:                   `gave the request up: finish_reason "abort"`,
		`{"choices":[{"text":"a","finish_reason":{"type":"abort"}}]}`:          `gave the request up: finish_reason "abort"`,
		`{"choices":[{"text":"a","finish_reason":null,"error":{"code":502}}]}`: `the server says {"code":502}`,
	} {
		require.True(t, markWhole([]byte(body)).Fault, body)
		_, err := DecodeText(record.Answer{Body: []byte(body)})
		require.ErrorContains(t, err, want)
		_, err = DecodeStream(record.Answer{Body: []byte("data: " + body + "\n\ndata: [DONE]")})
		require.ErrorContains(t, err, want)
	}
}

// What is seen by an event's bytes is what its JSON says, for any text.
func FuzzMarksAgreeWithJSON(f *testing.F) {
	f.Add("", "", 0)
	f.Add("a", "\"content\": \"x\"", 3)
	f.Add("\\\"text\":", "\"error\":", 1)
	f.Fuzz(func(t *testing.T, text, thought string, tokens int) {
		if tokens < 0 || tokens > 1<<30 {
			t.Skip()
		}
		delta, err := json.Marshal(map[string]string{"role": "assistant", "content": text, "reasoning": thought})
		require.NoError(t, err)
		plain, err := json.Marshal(text)
		require.NoError(t, err)
		usage := "null"
		if tokens > 0 {
			usage = `{"prompt_tokens":3,"completion_tokens":` + jsonNumber(t, tokens) + `}`
		}
		for _, c := range []struct {
			data string
			mark sse.Marker
		}{
			{`{"choices":[{"index":0,"delta":` + string(delta) + `}],"usage":` + usage + `}`, markChat},
			{`{"choices":[{"index":0,"text":` + string(plain) + `}],"usage":` + usage + `}`, markCompletion},
		} {
			m, err := decode([]byte(c.data))
			require.NoError(t, err)
			got := c.mark(sse.Event{Data: []byte(c.data)})
			require.Equal(t, m.Choices[0].text() != "", got.Content, c.data)
			require.Equal(t, tokens, got.Total, c.data)
			require.False(t, got.Fault || got.End, c.data)
		}
	})
}

func jsonNumber(t *testing.T, n int) string {
	b, err := json.Marshal(n)
	require.NoError(t, err)
	return string(b)
}

func FuzzDecodeText(f *testing.F) {
	f.Add([]byte(`{"choices":[{"text":"a","finish_reason":"stop"}],"usage":{"completion_tokens":1}}`))
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, decode := range []func(record.Answer) (generation.Text, error){DecodeText, DecodeStream} {
			text, err := decode(record.Answer{Body: body})
			if err == nil {
				require.GreaterOrEqual(t, text.Tokens, 0)
			} else {
				require.True(t, strings.HasPrefix(err.Error(), "decode openai answer: ") || strings.HasPrefix(err.Error(), "an event of over"), err.Error())
			}
		}
	})
}
