package rest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"

	"stackbench/stacks/embedded/internal/fault"
)

// maxBody is the largest request body, as over gRPC.
const maxBody = 256 << 20

// readBody reads a request's whole body into one allocation of its size. The
// byte at the given offset is aligned for any number, so that raw tensors
// behind a header can be read in place.
func readBody(r *http.Request, aligned int) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, tooLarge()
	}
	if r.ContentLength < 0 {
		return readUnsized(r)
	}
	shift := (8 - aligned&7) & 7
	buffer := make([]byte, shift+int(r.ContentLength))
	body := buffer[shift:]
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, fault.New(fault.Invalid, "read the request's body: %v", err)
	}
	return body, nil
}

// readUnsized reads a chunked body.
func readUnsized(r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	_, err := b.ReadFrom(http.MaxBytesReader(nil, r.Body, maxBody))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge()
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "read the request's body: %v", err)
	}
	return b.Bytes(), nil
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "the request's body is over the limit of %d bytes", maxBody)
}

func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has left when this fails
}
