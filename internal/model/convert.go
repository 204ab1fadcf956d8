package model

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"stackbench/internal/model/gguf"
	"stackbench/internal/model/torch"
	"stackbench/internal/safetensors"
)

// state is the tensors of a published file, by the names that the graph has.
type state func(name string) (shape []int64, values []float32, err error)

// converted lays the tensors of a published file out as safetensors.
func (j *job) converted(f format, src, dst string) error {
	find, done, err := j.open(f, src)
	if err != nil {
		return err
	}
	defer done()
	return j.composed(dst, map[string]string{"format": "pt"}, func(w io.Writer, t safetensors.Tensor) error {
		shape, values, err := find(t.Name)
		if err != nil {
			return err
		}
		if !slices.Equal(shape, t.Shape) {
			return fmt.Errorf("%s: tensor %q has shape %v, not %v", filepath.Base(src), t.Name, shape, t.Shape)
		}
		return floats(w, values)
	})
}

func (j *job) open(f format, src string) (state, func(), error) {
	if f == ggml {
		return openGGUF(src, j.entry.Decoder.Heads, j.entry.Decoder.KVHeads)
	}
	tensors, err := torch.Read(src)
	return func(name string) ([]int64, []float32, error) {
		t := tensors[name]
		return t.Shape, t.Data, nil
	}, func() {}, err
}

// openGGUF gives a Llama's tensors by the names they had before llama.cpp.
func openGGUF(src string, heads, kvHeads int) (state, func(), error) {
	in, err := os.Open(src)
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = in.Close() } // it was only read
	info, err := in.Stat()
	if err != nil {
		done()
		return nil, nil, err
	}
	file, err := gguf.Read(in, info.Size())
	if err != nil {
		done()
		return nil, nil, err
	}
	return func(name string) ([]int64, []float32, error) {
		there := ggmlName(name)
		i := slices.IndexFunc(file.Tensors, func(t gguf.Tensor) bool { return t.Name == there })
		if i < 0 {
			return nil, nil, nil // no tensor has that shape
		}
		t := file.Tensors[i]
		values, err := file.Floats(t)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case strings.HasSuffix(there, ".attn_q.weight"):
			values = unpaired(values, t.Shape, heads)
		case strings.HasSuffix(there, ".attn_k.weight"):
			values = unpaired(values, t.Shape, kvHeads)
		}
		return t.Shape, values, nil
	}, done, nil
}

// ggmlName is what llama.cpp calls a Llama's tensor.
func ggmlName(name string) string {
	return strings.NewReplacer(
		"model.embed_tokens.", "token_embd.", "model.norm.", "output_norm.", "model.layers.", "blk.",
		"self_attn.q_proj", "attn_q", "self_attn.k_proj", "attn_k", "self_attn.v_proj", "attn_v", "self_attn.o_proj", "attn_output",
		"mlp.gate_proj", "ffn_gate", "mlp.up_proj", "ffn_up", "mlp.down_proj", "ffn_down",
		"input_layernorm", "attn_norm", "post_attention_layernorm", "ffn_norm",
	).Replace(name)
}

// unpaired undoes llama.cpp's order of the rows of queries and keys [out, in]:
// it lays the two halves that are rotated together next to each other.
func unpaired(values []float32, shape []int64, heads int) []float32 {
	rows, width := int(shape[0]), int(shape[1])
	head := rows / heads
	out := make([]float32, len(values))
	for r := range rows {
		h, at := r/head, r%head
		to := h*head + at%2*(head/2) + at/2
		copy(out[to*width:(to+1)*width], values[r*width:(r+1)*width])
	}
	return out
}
