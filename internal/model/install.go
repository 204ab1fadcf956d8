package model

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"stackbench/internal/fetch"
	"stackbench/internal/model/seeded"
	"stackbench/internal/safetensors"
	"stackbench/internal/tokenizer"
)

// install puts a choice into the store. model.json goes first and comes last,
// so that a folder with one is complete, however an earlier run ended.
func (j *job) install(ctx context.Context, c choice) (Model, error) {
	m := Model{Model: j.entry.Model, Dir: j.dir, Weights: Provenance{Source: c.source, Detail: c.detail}}
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return Model{}, err
	}
	if err := os.Remove(filepath.Join(j.dir, SpecFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Model{}, err
	}
	if m.Text != nil {
		text := *m.Text
		var err error
		if text.SHA256, err = j.tokenizer(ctx, c); err != nil {
			return Model{}, err
		}
		m.Text = &text
	}
	weights := filepath.Join(j.dir, WeightsFile)
	if err := j.weights(ctx, c, weights); err != nil {
		return Model{}, err
	}
	var err error
	if m.Weights.SHA256, err = fetch.HashFile(weights); err != nil {
		return Model{}, err
	}
	graphs, err := j.skeletons.place(m.Model, weights)
	if err != nil {
		return Model{}, fmt.Errorf("%s of %s: %w", WeightsFile, c.detail, err)
	}
	for file, graph := range graphs {
		if err := j.write(file, graph); err != nil {
			return Model{}, err
		}
	}
	return m, j.write(SpecFile, encode(m))
}

// write makes one small file of the model.
func (j *job) write(name string, data []byte) error {
	return j.get.Write(filepath.Join(j.dir, name), int64(len(data)), func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// encode is the content of model.json.
func encode(m Model) []byte {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // the type holds nothing that JSON cannot
	}
	return append(data, '\n')
}

// weights puts model.safetensors in place: moved, copied, converted or made.
func (j *job) weights(ctx context.Context, c choice, dst string) error {
	switch {
	case c.weights == "":
		return j.seeded(ctx, dst)
	case c.format != asStored:
		if err := j.converted(c.format, c.weights, dst); err != nil || c.keep {
			return err
		}
		return os.Remove(c.weights)
	case c.keep:
		return j.copied(ctx, c.weights, dst)
	}
	return os.Rename(c.weights, dst)
}

func (j *job) copied(ctx context.Context, src, dst string) error {
	f, err := os.Open(src)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return j.get.Write(dst, info.Size(), func(out *os.File) error {
		_, err := io.Copy(out, &reader{ctx: ctx, r: f})
		return err
	})
}

// reader ends a copy when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// seeded makes the model's weights out of the seed.
func (j *job) seeded(ctx context.Context, dst string) error {
	return j.composed(dst, seedMetadata(), func(w io.Writer, t safetensors.Tensor) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return seeded.Tensor(w, t.Name, t.Shape, seed)
	})
}

func seedMetadata() map[string]string {
	return map[string]string{"format": "pt", "weights": seedDetail()}
}

func floats(w io.Writer, data []float32) error {
	buf := make([]byte, 0, 1<<16)
	for chunk := range slices.Chunk(data, cap(buf)/4) {
		buf = buf[:0]
		for _, v := range chunk {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// composed writes the tensors of the model's graphs, each as put gives it.
func (j *job) composed(dst string, metadata map[string]string, put func(io.Writer, safetensors.Tensor) error) error {
	tensors, err := j.skeletons.layout(j.entry.Model)
	if err != nil {
		return err
	}
	header, placed, err := safetensors.Header(tensors, metadata)
	if err != nil {
		return err
	}
	end := int64(len(header))
	if len(placed) > 0 {
		last := placed[len(placed)-1]
		end = last.Start + last.Size
	}
	return j.get.Write(dst, end, func(f *os.File) error {
		w := bufio.NewWriterSize(f, 1<<20)
		if _, err := w.Write(header); err != nil {
			return err
		}
		for _, t := range placed {
			if err := put(w, t); err != nil {
				return err
			}
			if j.get.Progress != nil {
				j.get.Progress(fetch.Step{Name: j.entry.Name, Done: t.Start + t.Size, Total: end})
			}
		}
		return w.Flush()
	})
}

// tokenizer puts tokenizer.json in place and gives its hash.
func (j *job) tokenizer(ctx context.Context, c choice) (string, error) {
	data, err := j.tokenizerData(ctx, c)
	if err != nil {
		return "", err
	}
	if _, err := tokenizer.Parse(data, j.entry.Text.MaxTokens); err != nil {
		return "", fmt.Errorf("tokenizer of %s: %w", c.detail, err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), j.write(TokenizerFile, data)
}
