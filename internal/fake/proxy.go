package fake

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Servers that cheat, each in front of an honest one: what a benchmark must
// refuse. They are handlers, to be put before any.

// Computes takes its time for each request before next answers.
func Computes(d time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pause(r.Context().Done(), d) {
			next.ServeHTTP(w, r)
		}
	})
}

// Bytes is the key of a cache that takes the same bytes for the same request.
func Bytes(body []byte) string { return string(body) }

// Words is the key of a cache that takes the same words for the same request,
// in capitals or not and however far apart.
func Words(body []byte) string {
	return strings.Join(strings.Fields(strings.ToLower(string(body))), " ")
}

// Remembers answers a request whose key it knows as it did before, at once.
func Remembers(key func(body []byte) string, next http.Handler) http.Handler {
	var mu sync.Mutex
	known := map[string]*httptest.ResponseRecorder{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		name := r.URL.Path + "\n" + key(body)
		mu.Lock()
		answer := known[name]
		mu.Unlock()
		if answer == nil {
			r.Body = io.NopCloser(bytes.NewReader(body))
			answer = httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			mu.Lock()
			known[name] = answer
			mu.Unlock()
		}
		for field, values := range answer.Header() {
			w.Header()[field] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // who went away does not matter
	})
}

// Pretends lets next answer what is known to be checked, and makes up the rest.
func Pretends(checked func(body []byte) bool, makeUp func(body []byte) []byte, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if !checked(body) {
			_, _ = w.Write(makeUp(body)) // who went away does not matter
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}
