package rest

import (
	"encoding/json"
	"net/http"

	"stackbench/stacks/embedded/internal/generation"
)

// events writes an answer as server-sent events.
type events struct {
	completion
	usage bool // in an event of its own at the end
	each  bool // in every event
	to    http.ResponseWriter
	out   *http.ResponseController
	last  generation.Chunk
	begun bool
	buf   []byte // a chunk
	event []byte
}

// told is an error that the client knows of: the answer had begun.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

// stream answers by an event a token.
func stream(model generator, w http.ResponseWriter, r *http.Request, order generation.Request, e *events) error {
	e.to, e.out = w, http.NewResponseController(w)
	err := model.Generate(r.Context(), order, e.give)
	switch {
	case err == nil:
		_ = e.end() // the client has left when this fails
		return nil
	case !e.begun:
		return err
	}
	if body, failed := json.Marshal(openAIErrorOf(err)); failed == nil {
		_ = e.send(body)
	}
	return told{err}
}

// give sends the event of a chunk.
func (e *events) give(c generation.Chunk) error {
	if !e.begun {
		e.begun = true
		h := e.to.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
	}
	e.last = c
	e.buf = e.append(e.buf[:0], c, e.each)
	return e.send(e.buf)
}

// end sends the usage, if it was asked for, and the contract's last event.
func (e *events) end() error {
	if e.usage {
		e.buf = e.appendCount(e.buf[:0], e.last)
		if err := e.send(e.buf); err != nil {
			return err
		}
	}
	return e.send([]byte("[DONE]"))
}

func (e *events) send(data []byte) error {
	e.event = append(append(append(e.event[:0], "data: "...), data...), "\n\n"...)
	if _, err := e.to.Write(e.event); err != nil {
		return err
	}
	return e.out.Flush()
}
