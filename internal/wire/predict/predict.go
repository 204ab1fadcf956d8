// Package predict speaks the plain contract of an image classifier: POST
// /predict with one JPEG as the body, the five best classes as the answer.
package predict

import (
	"encoding/json"
	"fmt"

	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
)

// Top is how many classes an answer has.
const Top = 5

// Class is one entry of an answer.
type Class struct {
	Index int
	Logit float64
}

// Prediction is a decoded answer: the classes best first.
type Prediction struct {
	Model string
	Top   []Class
}

// Encode builds the request for one JPEG file.
func Encode(jpeg []byte) (http1.Request, error) {
	if len(jpeg) < 4 || jpeg[0] != 0xff || jpeg[1] != 0xd8 {
		return http1.Request{}, fmt.Errorf("encode predict request: %d bytes are not a JPEG file", len(jpeg))
	}
	return http1.Request{
		Method: "POST",
		Path:   "/predict",
		Header: []http1.Field{{Name: "Content-Type", Value: "image/jpeg"}},
		Body:   jpeg,
	}, nil
}

// Decode reads a kept answer, and refuses one whose classes are not five
// different ones in falling order.
func Decode(a record.Answer) (Prediction, error) {
	var m struct {
		Model string `json:"model"`
		Top   []struct {
			Index *int     `json:"index"`
			Logit *float64 `json:"logit"`
		} `json:"top"`
	}
	if err := json.Unmarshal(a.Body, &m); err != nil {
		return Prediction{}, fmt.Errorf("decode predict answer: the body is not the contract's JSON (it begins with %.60q): %w", a.Body, err)
	}
	p := Prediction{Model: m.Model}
	if len(m.Top) != Top {
		return p, fmt.Errorf("decode predict answer: %d classes, not %d, in %.60q", len(m.Top), Top, a.Body)
	}
	seen := make(map[int]bool, Top)
	for i, c := range m.Top {
		if c.Index == nil || c.Logit == nil || *c.Index < 0 || seen[*c.Index] {
			return p, fmt.Errorf("decode predict answer: class %d lacks an index of its own or a logit", i)
		}
		if i > 0 && *c.Logit > p.Top[i-1].Logit {
			return p, fmt.Errorf("decode predict answer: class %d is better than the one before it", i)
		}
		seen[*c.Index] = true
		p.Top = append(p.Top, Class{Index: *c.Index, Logit: *c.Logit})
	}
	return p, nil
}
