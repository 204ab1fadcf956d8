package tgi

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/sse"
)

var prompt = generation.Prompt{Text: "a", Tokens: 4, Seed: 7}

func TestEncode(t *testing.T) {
	r, err := Encode(prompt, true)
	require.NoError(t, err)
	require.Equal(t, "/generate_stream", r.Path)
	require.Contains(t, r.Header, http1.Field{Name: "Accept", Value: "text/event-stream"})
	require.JSONEq(t, `{"inputs":"a","parameters":{"max_new_tokens":4,"do_sample":false,"details":true,"seed":7}}`, string(r.Body))
	r, err = Encode(prompt, false)
	require.NoError(t, err)
	require.Equal(t, "/generate", r.Path)
	_, err = Encode(generation.Prompt{Tokens: 1}, false)
	require.ErrorContains(t, err, "the prompt is empty")
	_, err = Encode(generation.Prompt{Text: "a", Tokens: 1, Exact: true}, false)
	require.ErrorContains(t, err, "cannot be told an exact output length")
}

// ask sends one request to a server that answers as scripted.
func ask(t *testing.T, script fake.Script, h http1.Streaming) record.Reply {
	t.Helper()
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	r, err := Encode(prompt, true)
	require.NoError(t, err)
	target, err := http1.NewStreamingTarget(f.Addr(), []http1.Request{r}, h)
	require.NoError(t, err)
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c.Do(t.Context(), 0)
}

func captured(t *testing.T, name string) fake.Script {
	t.Helper()
	raw, err := os.ReadFile("../../../testdata/captures/tgi/" + name)
	require.NoError(t, err)
	script, err := fake.Capture(raw)
	require.NoError(t, err)
	return script
}

func TestRecordedStream(t *testing.T) {
	r := ask(t, captured(t, "generate-stream.http"), StreamEvents())
	require.NoError(t, r.Err)
	require.Len(t, r.Output.Chunks, 4)
	require.Equal(t, 4, r.Output.Tokens)
	require.Equal(t, 1, r.Output.Opened)
	text, err := DecodeStream(record.Answer{Body: r.Body})
	require.NoError(t, err)
	require.Equal(t, generation.Text{Text: "marucemarucemarucemaruce", Tokens: 4, Prompt: 3, Finish: "length", Chunks: 4}, text)
}

func TestRecordedRefusals(t *testing.T) {
	r := ask(t, captured(t, "generate-stream-over-limit.http"), StreamEvents())
	require.Equal(t, record.Fault, r.Outcome)
	require.ErrorContains(t, r.Err, "must be <= 1000")
	_, err := DecodeStream(record.Answer{Body: r.Body})
	require.ErrorContains(t, err, "the server says \"Input validation error")
	for name, code := range map[string]int{"bad-json.http": 400, "bad-value.http": 422} {
		r := ask(t, captured(t, name), StreamEvents())
		require.Equal(t, record.Status, r.Outcome)
		require.Equal(t, code, r.Code)
	}
	r = ask(t, fake.Script{Status: 429, Body: []byte(`{"error":"Model is overloaded","error_type":"overloaded"}`)}, StreamEvents())
	require.Equal(t, "status 429", record.Record{Outcome: r.Outcome, Code: r.Code}.Kind())
}

func TestWholeAnswer(t *testing.T) {
	body := `{"generated_text":"abc","details":{"finish_reason":"length","generated_tokens":3,"seed":null,"prefill":[],"tokens":[]}}`
	r := ask(t, fake.Script{Body: []byte(body)}, WholeEvents())
	require.NoError(t, r.Err)
	require.Equal(t, record.Output{Tokens: 3}, *r.Output)
	text, err := DecodeText(record.Answer{Body: r.Body})
	require.NoError(t, err)
	require.Equal(t, generation.Text{Text: "abc", Tokens: 3, Finish: "length"}, text)
	for body, want := range map[string]string{
		"<html>": "not the contract's JSON", `{}`: "no generated_text", `{"error":"full"}`: `the server says "full"`,
	} {
		_, err = DecodeText(record.Answer{Body: []byte(body)})
		require.ErrorContains(t, err, want)
	}
}

func TestWhatIsNoStream(t *testing.T) {
	token := "data: {\"token\":{\"text\":\"a\"},\"generated_text\":null}\n\n"
	last := "data: {\"token\":{\"text\":\"a\"},\"generated_text\":\"a\"}\n\n"
	for body, want := range map[string]string{
		"": "no event with the generated_text", token: "no event with the generated_text", last + token: "an event after the last one", "data: x\n\n": "not the contract's JSON",
	} {
		_, err := DecodeStream(record.Answer{Body: []byte(body)})
		require.ErrorContains(t, err, want)
	}
}

// TGI as of 2.2 has an end mark behind the last event.
func TestTheEndMarkOfOthers(t *testing.T) {
	body := "data: {\"token\":{\"text\":\" ro\"},\"generated_text\":null}\n\n" +
		"data: {\"token\":{\"text\":\"ta\"},\"generated_text\":\" rota\",\"details\":{\"finish_reason\":\"length\",\"generated_tokens\":2}}\n\n"
	for _, end := range []string{"data: [DONE]\n\n", "data: [DONE] ", ""} {
		text, err := DecodeStream(record.Answer{Body: []byte(body + end)})
		require.NoError(t, err)
		require.Equal(t, generation.Text{Text: " rota", Tokens: 2, Finish: "length", Chunks: 2}, text)
	}
	_, err := DecodeStream(record.Answer{Body: []byte("data: [DONE]\n\n" + body)})
	require.ErrorContains(t, err, "not the contract's JSON")
	_, err = DecodeText(record.Answer{Body: []byte(`{"generated_text":"a","details":{"finish_reason":"abort"}}`)})
	require.ErrorContains(t, err, "gave the request up")
}

func TestMarks(t *testing.T) {
	for data, want := range map[string]generation.Mark{
		`{"token":{"text":"a"},"generated_text":null}`:                                    {Content: true, Tokens: 1},
		`{"token":{"text":""},"generated_text":null}`:                                     {Tokens: 1},
		`{"token":{"text":"a"},"generated_text":"","details":{"generated_tokens":9}}`:     {Content: true, Tokens: 1, Total: 9, End: true},
		`{"token":{"text":"\"error\": \"generated_text\":"},"generated_text":null}`:       {Content: true, Tokens: 1},
		`{"error":"Input validation error","error_type":"validation"}`:                    {Fault: true},
		`{"token":{"text":"a"},"generated_text":"a","details":{"finish_reason":"abort"}}`: {Content: true, Tokens: 1, End: true, Fault: true},
		`{"error":{"message":"bad","request":{"token":{"text":"a"}}}}`:                    {Fault: true},
		`{"details":{"token":1},"token":{"id":1,"text" : "a"},"error":null}`:              {Content: true, Tokens: 1},
		``: {},
	} {
		require.Equal(t, want, mark(sse.Event{Data: []byte(data)}), data)
	}
}

func FuzzMarksAgreeWithJSON(f *testing.F) {
	f.Add("a", true)
	f.Add("\"generated_text\":\"", false)
	f.Fuzz(func(t *testing.T, text string, last bool) {
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		whole := "null"
		if last {
			whole = string(quoted)
		}
		data := `{"index":1,"token":{"id":1,"text":` + string(quoted) + `,"special":false},"generated_text":` + whole + `,"details":null}`
		e, err := decode([]byte(data))
		require.NoError(t, err)
		m := mark(sse.Event{Data: []byte(data)})
		require.Equal(t, generation.Mark{Content: e.Token.Text != "", Tokens: 1, End: last}, m, data)
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"generated_text":"a"}`))
	f.Add([]byte("data: {\"token\":{\"text\":\"a\"},\"generated_text\":\"a\"}\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = DecodeText(record.Answer{Body: body})
		text, err := DecodeStream(record.Answer{Body: body})
		if err == nil {
			require.Equal(t, text.Chunks == 0, text.Text == "")
		}
	})
}
