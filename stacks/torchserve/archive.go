package torchserve

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"stackbench/internal/stack"
)

// manifest is MAR-INF/MANIFEST.json of a model archive, as torch-model-archiver
// writes it.
type manifest struct {
	CreatedOn       string        `json:"createdOn"`
	Runtime         string        `json:"runtime"`
	Model           manifestModel `json:"model"`
	ArchiverVersion string        `json:"archiverVersion"`
}

type manifestModel struct {
	Name       string `json:"modelName"`
	Handler    string `json:"handler"`
	Version    string `json:"modelVersion"`
	ConfigFile string `json:"configFile"`
}

const modelVersion = "1.0"

// archive is the .mar of a model: a zip file of the handler, its settings and
// the manifest. The weights stay where they are, in the mounted folder. It is
// the same to the byte for the same run.
func archive(r stack.Run) ([]byte, error) {
	about, err := json.MarshalIndent(manifest{
		CreatedOn: "01/01/2026 00:00:00", Runtime: "python", ArchiverVersion: "0.12.0",
		Model: manifestModel{Name: r.Model.Name, Handler: "handler.py", Version: modelVersion, ConfigFile: "model-config.yaml"},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	code, err := source.ReadFile("handler.py")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, file := range []struct {
		name    string
		content []byte
	}{{"MAR-INF/MANIFEST.json", about}, {"handler.py", code}, {"model-config.yaml", []byte(modelConfig(r))}} {
		out, err := w.CreateHeader(&zip.FileHeader{Name: file.name, Method: zip.Deflate})
		if err != nil {
			return nil, err
		}
		if _, err := out.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// modelConfig is model-config.yaml: one worker, its batcher, and what the
// handler must know. The server waits maxBatchDelay for a batch to fill, in
// whole milliseconds and at least one.
func modelConfig(r stack.Run) string {
	size, delay := 1, int64(1)
	if r.Batch.Max > 0 {
		size, delay = r.Batch.Max, max(1, r.Batch.Delay.Milliseconds())
	}
	return fmt.Sprintf(`minWorkers: 1
maxWorkers: 1
batchSize: %d
maxBatchDelay: %d
responseTimeout: 120
handler:
  folder: %s
  device: %s
  threads: %d
`, size, delay, strconv.Quote(r.Models+"/"+r.Model.Name), r.Device, r.Threads)
}
