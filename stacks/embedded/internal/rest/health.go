package rest

import (
	"net/http"

	"stackbench/stacks/embedded/internal/oip"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
)

type serverMetadata struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

type modelMetadata struct {
	Name     string       `json:"name"`
	Versions []string     `json:"versions"`
	Platform string       `json:"platform"`
	Inputs   []store.Port `json:"inputs"`
	Outputs  []store.Port `json:"outputs"`
}

type modelReady struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
}

type health struct {
	Status string `json:"status"`
	service.Info
}

func (a *API) serverMetadata(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, serverMetadata{Name, oip.Version, []string{"binary_tensor_data"}})
}

func (a *API) live(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		Live bool `json:"live"`
	}{true})
}

func (a *API) ready(w http.ResponseWriter, _ *http.Request) {
	if _, err := a.current(); err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Ready bool `json:"ready"`
	}{true})
}

func (a *API) healthz(w http.ResponseWriter, _ *http.Request) {
	s, err := a.current()
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, health{"ok", s.Info()})
}

// find returns the spec that the path names, or writes why there is none.
func (a *API) find(w http.ResponseWriter, r *http.Request) (service.Spec, bool) {
	s, err := a.current()
	if err == nil {
		var spec service.Spec
		if spec, err = findVersion(s, r); err == nil {
			return spec, true
		}
	}
	writeError(w, err)
	return service.Spec{}, false
}

func (a *API) modelMetadata(w http.ResponseWriter, r *http.Request) {
	if spec, ok := a.find(w, r); ok {
		writeJSON(w, http.StatusOK, modelMetadata{spec.Name, []string{oip.Version}, service.Platform, spec.Inputs, spec.Outputs})
	}
}

func (a *API) modelReady(w http.ResponseWriter, r *http.Request) {
	if spec, ok := a.find(w, r); ok {
		writeJSON(w, http.StatusOK, modelReady{spec.Name, true})
	}
}
