package openai

import (
	"encoding/json"
	"fmt"
	"strings"
)

// pieces is a text that comes as a string, or as a list of parts, whose texts
// may again be lists.
type pieces string

// UnmarshalJSON joins the parts in their order.
func (p *pieces) UnmarshalJSON(b []byte) error {
	all, err := join(b, pieceDepth)
	*p = pieces(all)
	return err
}

func join(value []byte, depth int) (string, error) {
	if len(value) == 0 || depth < 0 {
		return "", nil
	}
	switch value[0] {
	case '"':
		var s string
		err := json.Unmarshal(value, &s)
		return s, err
	case '[':
		var parts []json.RawMessage
		if err := json.Unmarshal(value, &parts); err != nil {
			return "", err
		}
		return joinAll(parts, depth-1)
	case '{':
		return joinObject(value, depth-1)
	case 'n':
		return "", nil
	}
	return "", fmt.Errorf("%.20s is neither a text nor parts of one", value)
}

func joinAll(parts []json.RawMessage, depth int) (string, error) {
	var all strings.Builder
	for _, part := range parts {
		s, err := join(part, depth)
		if err != nil {
			return "", err
		}
		all.WriteString(s)
	}
	return all.String(), nil
}

func joinObject(value []byte, depth int) (string, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		return "", err
	}
	var parts []json.RawMessage
	for _, name := range pieceNames() {
		if v, ok := members[name]; ok {
			parts = append(parts, v)
		}
	}
	return joinAll(parts, depth)
}

// arguments of a call come as a string, which is JSON again, or as that JSON.
type arguments string

// UnmarshalJSON takes both forms.
func (a *arguments) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*a = arguments(s)
		return nil
	}
	*a = arguments(b)
	return nil
}

// finish is the reason for an answer's end: a string, or, as of SGLang, an
// object whose type is one.
type finish string

// UnmarshalJSON takes both forms.
func (f *finish) UnmarshalJSON(b []byte) error {
	var object struct {
		Type string `json:"type"`
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		*f = finish(s)
		return nil
	}
	err := json.Unmarshal(b, &object)
	*f = finish(object.Type)
	return err
}
