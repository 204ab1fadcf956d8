package onnx

import (
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"stackbench/internal/stack"
	"stackbench/stacks/embedded/internal/store"
)

// Decoder is a loaded graph of a decoder, as stack.DecoderSpec describes it.
// Begin may be called from several goroutines.
type Decoder struct {
	session *ort.DynamicAdvancedSession
	spec    stack.DecoderSpec
}

// OpenDecoder is Open for a model that generates.
func OpenDecoder(m *store.Model, device stack.Device, threads int) (*Decoder, error) {
	g, err := m.Part(stack.Whole)
	if err != nil {
		return nil, err
	}
	inputs, outputs := names(g.Inputs), names(g.Outputs)
	for i := range m.Decoder.Layers {
		for _, half := range []string{"key", "value"} {
			inputs = append(inputs, fmt.Sprintf("past_key_values.%d.%s", i, half))
			outputs = append(outputs, fmt.Sprintf("present.%d.%s", i, half))
		}
	}
	session, err := openGraph(m, g, inputs, outputs, device, threads)
	if err != nil {
		return nil, err
	}
	return &Decoder{session: session, spec: *m.Decoder}, nil
}

// Close frees the graph and its weights. No step of a sequence may be under way.
func (d *Decoder) Close() error { return d.session.Destroy() }

// Sequence is a text under way: the keys and values of its tokens so far. It is
// not for use by several goroutines.
type Sequence struct {
	decoder *Decoder
	room    int          // tokens
	tokens  int          // so far
	cache   [2][]float32 // in turn: a step reads one and writes the other
	mask    []int64      // ones
	past    []ort.Value  // of the last step, in cache[0]
	logits  []float32
}

// Begin returns an empty sequence for so many tokens. Close must be called.
func (d *Decoder) Begin(room int) (*Sequence, error) {
	s := &Sequence{decoder: d, room: room, mask: make([]int64, room), logits: make([]float32, d.spec.Vocab)}
	for i := range s.mask {
		s.mask[i] = 1
	}
	// onnxruntime_go copies outputs that ONNX Runtime allocates into Go's memory:
	// tens of megabytes a token. What lies in Go's memory from the start, it
	// writes and reads in place.
	size := 2 * d.spec.Layers * d.spec.KVHeads * room * d.spec.HeadDim
	s.cache = [2][]float32{make([]float32, size), make([]float32, size)}
	var err error
	s.past, err = s.halves(0, 0)
	return s, err
}

// halves are the keys and values of each layer, of so many tokens, in one of the
// two caches.
func (s *Sequence) halves(cache, tokens int) ([]ort.Value, error) {
	spec := s.decoder.spec
	size := spec.KVHeads * tokens * spec.HeadDim
	shape := ort.NewShape(1, int64(spec.KVHeads), int64(tokens), int64(spec.HeadDim))
	values := make([]ort.Value, 0, 2*spec.Layers)
	for i := range 2 * spec.Layers {
		v, err := ort.NewTensor(shape, s.cache[cache][i*size:(i+1)*size])
		if err != nil {
			destroy(values)
			return nil, fmt.Errorf("cache of %d tokens: %w", tokens, err)
		}
		values = append(values, v)
	}
	return values, nil
}

// Next appends tokens and returns the logits [vocab] of the one that follows.
// They are valid until the next call.
func (s *Sequence) Next(ids []int64) ([]float32, error) {
	total := s.tokens + len(ids)
	if len(ids) == 0 || total > s.room {
		return nil, fmt.Errorf("%d tokens after %d, in a sequence of %d", len(ids), s.tokens, s.room)
	}
	steps, err := s.inputs(ids)
	if err != nil {
		return nil, err
	}
	defer destroy(steps)
	logits, err := ort.NewTensor(ort.NewShape(1, int64(s.decoder.spec.Vocab)), s.logits)
	if err != nil {
		return nil, fmt.Errorf("logits: %w", err)
	}
	defer logits.Destroy()
	present, err := s.halves(1, total)
	if err != nil {
		return nil, err
	}
	if err := s.decoder.session.Run(append(steps, s.past...), append([]ort.Value{logits}, present...)); err != nil {
		destroy(present)
		return nil, err
	}
	destroy(s.past)
	s.past, s.tokens = present, total
	s.cache[0], s.cache[1] = s.cache[1], s.cache[0]
	return s.logits, nil
}

// inputs are what a step has beside the cache.
func (s *Sequence) inputs(ids []int64) ([]ort.Value, error) {
	positions := make([]int64, len(ids))
	for i := range positions {
		positions[i] = int64(s.tokens + i)
	}
	values := make([]ort.Value, 0, 3+len(s.past))
	for _, data := range [][]int64{ids, s.mask[:s.tokens+len(ids)], positions} {
		v, err := ort.NewTensor(ort.NewShape(1, int64(len(data))), data)
		if err != nil {
			destroy(values)
			return nil, fmt.Errorf("inputs of %d tokens: %w", len(ids), err)
		}
		values = append(values, v)
	}
	return values, nil
}

// Close frees the sequence.
func (s *Sequence) Close() {
	destroy(s.past)
	s.past = nil
}

func destroy(values []ort.Value) {
	for _, v := range values {
		v.Destroy()
	}
}
