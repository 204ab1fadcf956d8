package oip

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"stackbench/internal/oippb"
	"stackbench/internal/record"
	"stackbench/internal/wire/generation"
	"stackbench/internal/wire/grpcraw"
)

// The tensors of generated text are those of Triton's vLLM backend; models of
// the python backend and embedded take the same.
const (
	textInput      = "text_input"
	samplingInput  = "sampling_parameters"
	textOutput     = "text_output"
	promptTokens   = "num_input_tokens"
	outputTokens   = "num_output_tokens" // of one message
	finishReason   = "finish_reason"
	finishReasonNo = "None" // in all messages but the last
)

// sampling is what sampling_parameters holds, as JSON.
type sampling struct {
	Temperature float64 `json:"temperature"`
	MaxTokens   int     `json:"max_tokens"`
	MinTokens   int     `json:"min_tokens,omitempty"`
	IgnoreEOS   bool    `json:"ignore_eos,omitempty"`
	Seed        int     `json:"seed"`
}

// EncodeGenerate builds a marshalled ModelInferRequest for ModelStreamInfer.
func EncodeGenerate(p generation.Prompt) ([]byte, error) {
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("encode oip request: %w", err)
	}
	s := sampling{MaxTokens: p.Tokens, Seed: p.Seed}
	if p.Exact {
		s.MinTokens, s.IgnoreEOS = p.Tokens, true
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode oip request: %w", err)
	}
	r := Request{Model: p.Model, Inputs: []Tensor{
		NewBYTES(textInput, []int64{1}, [][]byte{[]byte(p.Text)}),
		NewBYTES(samplingInput, []int64{1}, [][]byte{text}),
	}}
	for _, name := range []string{"stream", "exclude_input_in_output", "return_" + finishReason, "return_" + promptTokens, "return_" + outputTokens} {
		r.Inputs = append(r.Inputs, Tensor{Name: name, Datatype: "BOOL", Shape: []int64{1}, Data: []byte{1}})
	}
	return EncodeGRPC(r)
}

// NewGenerateTarget prepares such requests for the server at host:port.
func NewGenerateTarget(addr string, requests [][]byte) (*grpcraw.EventTarget, error) {
	h := grpcraw.Streaming{Listen: func() grpcraw.EventHandler { return &tokens{} }, Silence: generation.Silence}
	return grpcraw.NewEventTarget(addr, oippb.GRPCInferenceService_ModelStreamInfer_FullMethodName, requests, h)
}

// tokens tallies the messages of an answer.
type tokens struct{ tally generation.Tally }

func (t *tokens) Begin()              { t.tally.Begin() }
func (t *tokens) End(r *record.Reply) { t.tally.End(r) }

func (t *tokens) OnEvent(message []byte, at time.Time) {
	m, fault := mark(message)
	t.tally.Add(m, fault, at)
}

// mark finds what must be known of a marshalled ModelStreamInferResponse at
// once, without unmarshalling it. Contents must be raw, as Triton sends them.
func mark(message []byte) (m generation.Mark, fault []byte) {
	var names [8]string
	outputs, contents := 0, 0
	each(message, func(field protowire.Number, value []byte) {
		switch {
		case field == 1 && len(value) > 0: // error_message
			m.Fault, fault = true, value
		case field == 2: // infer_response
			each(value, func(field protowire.Number, value []byte) {
				switch {
				case field == 5 && outputs < len(names): // outputs
					names[outputs] = known(value)
					outputs++
				case field == 6 && contents < outputs: // raw_output_contents
					m = marked(m, names[contents], value)
					contents++
				}
			})
		}
	})
	return m, fault
}

// known is the name of a marshalled output that mark looks for; "" of another.
func known(output []byte) string {
	name := ""
	each(output, func(field protowire.Number, value []byte) {
		if field != 1 {
			return
		}
		for _, n := range [...]string{textOutput, outputTokens, finishReason} {
			if string(value) == n {
				name = n
			}
		}
	})
	return name
}

// marked adds what an output's raw contents say. An element of BYTES begins with
// its length.
func marked(m generation.Mark, name string, raw []byte) generation.Mark {
	switch {
	case len(raw) < 4:
	case name == textOutput:
		m.Content = len(raw) > 4
	case name == outputTokens:
		m.Tokens = int(binary.LittleEndian.Uint32(raw))
	case name == finishReason:
		m.End = len(raw) > 4 && string(raw[4:]) != finishReasonNo
		m.Fault = m.Fault || m.End && generation.GaveUp(string(raw[4:]))
	}
	return m
}

// each gives the length-delimited fields of a message, up to what is none.
func each(message []byte, give func(field protowire.Number, value []byte)) {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		message = message[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, message); n < 0 {
				return
			}
			message = message[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(message)
		if n < 0 {
			return
		}
		give(field, value)
		message = message[n:]
	}
}

// DecodeText reads a kept answer of ModelStreamInfer.
func DecodeText(a record.Answer) (generation.Text, error) {
	var t generation.Text
	err := grpcraw.Each(a.Body, func(message []byte) error {
		var m oippb.ModelStreamInferResponse
		if err := proto.Unmarshal(message, &m); err != nil {
			return fmt.Errorf("a message is not a ModelStreamInferResponse (it begins with %.20q): %w", message, err)
		}
		if m.GetErrorMessage() != "" {
			return fmt.Errorf("the server says %.200q", m.GetErrorMessage())
		}
		return addOutputs(&t, m.GetInferResponse())
	})
	if err == nil && t.Finish == "" {
		err = errors.New("there is no " + finishReason)
	}
	if err != nil {
		return t, fmt.Errorf("decode oip answer: %w", err)
	}
	return t, nil
}

func addOutputs(t *generation.Text, m *oippb.ModelInferResponse) error {
	if len(m.GetOutputs()) == 0 {
		return nil // the empty message that may end a decoupled answer
	}
	if len(m.GetRawOutputContents()) != len(m.GetOutputs()) {
		return fmt.Errorf("%d raw contents for %d outputs", len(m.GetRawOutputContents()), len(m.GetOutputs()))
	}
	for i, o := range m.GetOutputs() {
		raw := m.GetRawOutputContents()[i]
		if len(raw) < 4 {
			return fmt.Errorf("output %q has %d bytes", o.GetName(), len(raw))
		}
		switch o.GetName() {
		case textOutput:
			t.Text += string(raw[4:])
			if len(raw) > 4 {
				t.Chunks++
			}
		case outputTokens:
			t.Tokens += int(binary.LittleEndian.Uint32(raw))
		case promptTokens:
			t.Prompt = int(binary.LittleEndian.Uint32(raw))
		case finishReason:
			if s := string(raw[4:]); s != finishReasonNo {
				t.Finish = s
			}
			if generation.GaveUp(t.Finish) {
				return fmt.Errorf("the server gave the request up: finish_reason %q", t.Finish)
			}
		}
	}
	return nil
}
