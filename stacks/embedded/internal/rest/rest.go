// Package rest serves a model over HTTP: the Open Inference Protocol, raw
// image upload, OpenAI's embeddings and completions, health and metrics; over
// WebSocket it generates text.
package rest

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/service"
)

// Name is what the server calls itself in metadata.
const Name = "stackbench-embedded"

// API is the HTTP side of a server. It answers from the start, and says that
// the model is not ready until Ready is called.
type API struct {
	mux     *http.ServeMux
	metrics *metrics.Metrics
	service atomic.Pointer[service.Served]

	mu       sync.Mutex     // between a connection that comes and Stop
	sockets  sync.WaitGroup // WebSocket connections
	stopping chan struct{}  // closed by Stop
}

// New returns an API without a service behind it.
func New(m *metrics.Metrics) *API {
	a := &API{mux: http.NewServeMux(), metrics: m, stopping: make(chan struct{})}
	a.mux.HandleFunc("GET /v2", a.serverMetadata)
	a.mux.HandleFunc("GET /v2/health/live", a.live)
	a.mux.HandleFunc("GET /v2/health/ready", a.ready)
	a.mux.HandleFunc("GET /v2/models/{model}", a.modelMetadata)
	a.mux.HandleFunc("GET /v2/models/{model}/ready", a.modelReady)
	a.mux.HandleFunc("GET /v2/models/{model}/versions/{version}", a.modelMetadata)
	a.mux.HandleFunc("GET /v2/models/{model}/versions/{version}/ready", a.modelReady)
	a.mux.HandleFunc("POST /v2/models/{model}/infer", a.counted(a.infer, writeError))
	a.mux.HandleFunc("POST /v2/models/{model}/versions/{version}/infer", a.counted(a.infer, writeError))
	a.mux.HandleFunc("POST /predict", a.counted(a.predict, writeError))
	a.mux.HandleFunc("POST /v1/embeddings", a.counted(a.embeddings, writeOpenAIError))
	a.mux.HandleFunc("POST /v1/completions", a.counted(a.completions, writeOpenAIError))
	a.mux.HandleFunc("GET /v1/generate", a.socket)
	a.mux.HandleFunc("GET /healthz", a.healthz)
	a.mux.Handle("GET /metrics", m.Handler())
	return a
}

// Ready puts the service behind the API.
func (a *API) Ready(s service.Served) { a.service.Store(&s) }

// ServeHTTP makes API an http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// current returns the service, or an error of kind NotReady.
func (a *API) current() (service.Served, error) {
	if s := a.service.Load(); s != nil {
		return *s, nil
	}
	return nil, fault.New(fault.NotReady, "the model is still loading")
}

// inference answers one request; it writes nothing when it returns an error but told.
type inference func(s service.Served, w http.ResponseWriter, r *http.Request) error

// counted runs an inference, writes its error and counts its status.
func (a *API) counted(run inference, fail func(http.ResponseWriter, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := a.current()
		if err == nil {
			err = run(s, w, r)
		}
		status := http.StatusOK
		if err != nil {
			var known told
			if !errors.As(err, &known) {
				fail(w, err)
			}
			status = fault.KindOf(err).Status()
		}
		a.metrics.Answered(status)
	}
}

// errorBody is the protocol's error.
type errorBody struct {
	Error string `json:"error"`
}

func writeError(w http.ResponseWriter, err error) {
	writeJSON(w, retrying(w, err), errorBody{err.Error()})
}

// retrying returns the status of an error, and says when to come again if the
// server is only busy.
func retrying(w http.ResponseWriter, err error) int {
	kind := fault.KindOf(err)
	if kind == fault.Full {
		w.Header().Set("Retry-After", "1") // seconds; the queue moves by the answer
	}
	return kind.Status()
}

// writeJSON is for small, rare replies. T is never a type that JSON refuses.
func writeJSON[T any](w http.ResponseWriter, status int, v T) {
	raw, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeBody(w, status, "application/json", raw)
}
