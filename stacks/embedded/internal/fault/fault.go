// Package fault holds the errors that a client gets to see: a kind, which each
// transport turns into its own code, and one line of text.
package fault

import (
	"errors"
	"fmt"
	"net/http"
)

// Kind says whose fault an error is.
type Kind uint8

const (
	Compute  Kind = iota // the model failed; also every error that is not an *Error
	Invalid              // the request is wrong
	Unknown              // there is no such model
	TooLarge             // the request is over the size limit
	Full                 // too many requests wait already
	NotReady             // the model is not loaded yet, or the server is stopping
	Gone                 // the client left before its turn came
)

// Error is an error with its kind.
type Error struct {
	Kind Kind
	Text string
}

// Error returns the text alone.
func (e *Error) Error() string { return e.Text }

// New returns an error of the kind with a formatted text.
func New(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// KindOf returns the kind of err; Compute when it has none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Compute
}

// Status is the HTTP status of the kind. Both transports are counted by it.
func (k Kind) Status() int {
	switch k {
	case Invalid:
		return http.StatusBadRequest
	case Unknown:
		return http.StatusNotFound
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	case Full:
		return http.StatusTooManyRequests
	case NotReady:
		return http.StatusServiceUnavailable
	case Gone:
		return 499 // nginx's "client closed request"; nobody reads it
	default:
		return http.StatusInternalServerError
	}
}
