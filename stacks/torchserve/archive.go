package torchserve

import (
	"archive/zip"
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"time"

	"stackbench/internal/stack"
)

//go:embed handler/*.py
var handler embed.FS

const (
	manifestFile = "MAR-INF/MANIFEST.json"
	modelFile    = "model-config.yaml"
)

// manifest is what torch-model-archiver writes of an archive.
type manifest struct {
	Created  string        `json:"createdOn"`
	Runtime  string        `json:"runtime"`
	Model    manifestModel `json:"model"`
	Archiver string        `json:"archiverVersion"`
}

type manifestModel struct {
	Name    string `json:"modelName"`
	Version string `json:"modelVersion"`
	Handler string `json:"handler"`
	Config  string `json:"configFile"`
}

// archive is the model's .mar: the handler and its settings, without weights,
// which it reads where every stack does. The same run gives the same bytes.
func archive(r stack.Run) ([]byte, error) {
	about, err := json.MarshalIndent(manifest{
		Created: "01/01/1980 00:00:00", // as old as a zip file can be, since every start writes it anew
		Runtime: "python", Archiver: "0.12.0",
		Model: manifestModel{Name: r.Model.Name, Version: "1.0", Handler: "handler.py", Config: modelFile},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	size, err := batching(r.Batch)
	if err != nil {
		return nil, err
	}
	model, err := render(modelFile, struct {
		stack.Run
		batch
	}{r, size})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := add(w, manifestFile, about); err != nil {
		return nil, err
	}
	if err := add(w, modelFile, model); err != nil {
		return nil, err
	}
	if err := addHandler(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil { // which writes the directory
		return nil, err
	}
	return b.Bytes(), nil
}

func addHandler(w *zip.Writer) error {
	list, err := fs.ReadDir(handler, "handler")
	if err != nil {
		return err
	}
	for _, file := range list {
		code, err := handler.ReadFile("handler/" + file.Name())
		if err != nil {
			return err
		}
		if err := add(w, file.Name(), code); err != nil {
			return err
		}
	}
	return nil
}

// add writes an entry without a time.
func add(w *zip.Writer, name string, content []byte) error {
	entry, err := w.Create(name)
	if err != nil {
		return err
	}
	_, err = entry.Write(content)
	return err
}

// batch is the batcher's setting in TorchServe's terms.
type batch struct {
	BatchSize     int
	MaxBatchDelay int64 // milliseconds
}

// batching refuses a delay that TorchServe does not know: it counts in whole
// milliseconds, and at none takes one request more at most, whatever the size.
func batching(b stack.Batching) (batch, error) {
	if b.Max <= 1 {
		return batch{BatchSize: 1, MaxBatchDelay: 1}, nil // the delay is for the second request, and there is none
	}
	if b.Delay < time.Millisecond || b.Delay%time.Millisecond != 0 {
		return batch{}, fmt.Errorf("a delay of %s for a batch: TorchServe's maxBatchDelay is whole milliseconds from 1", b.Delay)
	}
	return batch{BatchSize: b.Max, MaxBatchDelay: b.Delay.Milliseconds()}, nil
}
