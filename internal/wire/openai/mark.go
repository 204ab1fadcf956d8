package openai

import (
	"bytes"

	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/sse"
)

// WholeEvents hears whole answers of both routes.
func WholeEvents() http1.Streaming { return generation.WholeEvents(markWhole) }

// CompletionEvents hears streams of /v1/completions.
func CompletionEvents() http1.Streaming { return sse.Events(markCompletion) }

// ChatEvents hears streams of /v1/chat/completions.
func ChatEvents() http1.Streaming { return sse.Events(markChat) }

func markCompletion(e sse.Event) generation.Mark { return mark(e, completed) }
func markChat(e sse.Event) generation.Mark       { return mark(e, said) }

func markWhole(body []byte) generation.Mark {
	return markAnswer(body, func(name, value []byte) bool { return completed(name, value) || said(name, value) })
}

var end = []byte("[DONE]")

// isEnd finds the contract's last event; some servers put a space behind it.
func isEnd(e sse.Event) bool { return bytes.Equal(bytes.TrimSpace(e.Data), end) }

// mark tells an event apart.
func mark(e sse.Event, hasText func(name, value []byte) bool) generation.Mark {
	if isEnd(e) {
		return generation.Mark{End: true}
	}
	m := markAnswer(e.Data, hasText)
	if string(e.Type) == "error" {
		return generation.Mark{Fault: true}
	}
	return m
}

// markAnswer looks into an event or a whole answer. The tokens may be counted by
// an event of their own, by the last one with text (TGI), or by all. An error is
// no text, whatever it quotes: vLLM and TGI send {"error": …}, vLLM before 0.11
// {"object": "error", …}, gateways an error in the choice.
func markAnswer(data []byte, hasText func(name, value []byte) bool) generation.Mark {
	var m generation.Mark
	choices := 0
	for o := generation.Object(data); o.Next(); {
		switch string(o.Name) {
		case "choices":
			for a := generation.Array(o.Value); a.Next(); choices++ {
				for c := generation.Object(a.Value); c.Next(); {
					m.Content = m.Content || hasText(c.Name, c.Value)
					m.Fault = m.Fault || gaveUp(c.Name, c.Value)
				}
			}
		case "usage":
			m.Total = generation.Count(generation.Field(o.Value, "completion_tokens"))
		case "error":
			m.Fault = m.Fault || generation.Told(o.Value)
		case "object":
			m.Fault = m.Fault || generation.IsString(o.Value, "error")
		}
	}
	m.Bare = m.Total > 0 && choices == 0
	return m
}

func gaveUp(name, value []byte) bool {
	switch string(name) {
	case "finish_reason":
		return generation.GivenUp(value)
	case "error":
		return generation.Told(value)
	}
	return false
}

// completed finds the text of a choice of /v1/completions.
func completed(name, value []byte) bool {
	return string(name) == "text" && generation.HasText(value)
}

// said finds the text of a choice of /v1/chat/completions. What a model thinks
// and the arguments of its calls are text: tokens that the user waits for.
func said(name, value []byte) bool {
	if string(name) != "delta" && string(name) != "message" {
		return false
	}
	for m := generation.Object(value); m.Next(); {
		switch string(m.Name) {
		case "content", "reasoning_content", "reasoning", "reasoning_details", "refusal":
			if hasPieces(m.Value) {
				return true
			}
		case "tool_calls":
			for a := generation.Array(m.Value); a.Next(); {
				if hasArguments(generation.Field(a.Value, "function")) {
					return true
				}
			}
		case "function_call":
			if hasArguments(m.Value) {
				return true
			}
		}
	}
	return false
}

// hasArguments takes them as a string, which is the contract's form, or as a value.
func hasArguments(function []byte) bool {
	v := generation.Field(function, "arguments")
	return generation.Told(v) && string(v) != `""`
}

// hasPieces reports whether a text, or a part of a list of parts, is not empty.
// Lists are of no depth that matters: what is deeper than a server nests them is
// no text.
func hasPieces(value []byte) bool { return hasPiecesAt(value, pieceDepth) }

const pieceDepth = 4

func hasPiecesAt(value []byte, depth int) bool {
	if generation.HasText(value) {
		return true
	}
	if depth == 0 {
		return false
	}
	for a := generation.Array(value); a.Next(); {
		if hasPiecesAt(a.Value, depth-1) {
			return true
		}
	}
	for m := generation.Object(value); m.Next(); {
		if isPiece(string(m.Name)) && hasPiecesAt(m.Value, depth-1) {
			return true
		}
	}
	return false
}

// pieceNames are the members of a part that hold its text.
func pieceNames() [4]string { return [...]string{"thinking", "summary", "text", "refusal"} }

func isPiece(name string) bool {
	for _, n := range pieceNames() {
		if n == name {
			return true
		}
	}
	return false
}
