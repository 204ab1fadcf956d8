package tokenizer

import (
	"container/heap"
	"fmt"
)

// bpe is byte-level BPE: GPT-2's way, and SmolLM2's, which has each digit by itself.
type bpe struct {
	digits  bool
	bytes   [256]int64 // ids of single bytes; −1 of those that the vocabulary lacks
	merges  map[[2]int64]merged
	unknown int64 // id for a byte that is lacking; −1: it is left out
	fuse    bool  // one unknown for several in a row
}

// merged is what a pair of ids becomes, and how early.
type merged struct{ rank, id int64 }

func newBPE(f *file) (*bpe, spelling, error) {
	m := &bpe{unknown: -1, fuse: f.Model.FuseUnknown, merges: make(map[[2]int64]merged, len(f.Model.Merges))}
	if err := f.bpeSupported(); err != nil {
		return nil, nil, err
	}
	var err error
	if m.digits, err = f.PreTokenizer.byteLevel(); err != nil {
		return nil, nil, err
	}
	vocab := f.Model.Vocab
	if f.Model.Unknown != "" {
		id, ok := vocab[f.Model.Unknown]
		if !ok {
			return nil, nil, fmt.Errorf("the unknown token %q is not in the vocabulary", f.Model.Unknown)
		}
		m.unknown = int64(id)
	}
	of, back := alphabet()
	for b, c := range of {
		m.bytes[b] = -1
		if id, ok := vocab[c]; ok {
			m.bytes[b] = int64(id)
		}
	}
	for rank, pair := range f.Model.Merges {
		a, okA := vocab[pair[0]]
		b, okB := vocab[pair[1]]
		ab, ok := vocab[pair[0]+pair[1]]
		if !okA || !okB || !ok {
			return nil, nil, fmt.Errorf("merge %d, of %.20q and %.20q, is not of and to tokens of the vocabulary", rank, pair[0], pair[1])
		}
		m.merges[[2]int64{int64(a), int64(b)}] = merged{int64(rank), int64(ab)}
	}
	s, err := newSpelling(f, back)
	return m, s, err
}

// bpeSupported refuses whatever would be encoded wrongly.
func (f *file) bpeSupported() error {
	switch o := f.Model.bpeOptions; {
	case f.Normalizer.Type != "":
		return fmt.Errorf("normalizer %q: a BPE model has none here", f.Normalizer.Type)
	case f.Model.Prefix != "" || o.Suffix != "":
		return fmt.Errorf("BPE with the prefix %q and the suffix %q is not byte-level", f.Model.Prefix, o.Suffix)
	case o.ByteFallback || o.IgnoreMerges:
		return fmt.Errorf("BPE with byte_fallback or ignore_merges cannot be read")
	case o.Dropout != nil && *o.Dropout != 0:
		return fmt.Errorf("BPE with a dropout of %g encodes at random", *o.Dropout)
	}
	return nil
}

// byteLevel finds out whether numbers are cut into digits first.
func (p *preTokenizer) byteLevel() (cutDigits bool, err error) {
	last := *p
	if p.Type == "Sequence" && len(p.Parts) == 2 && p.Parts[0].Type == "Digits" && p.Parts[0].Individual {
		cutDigits, last = true, p.Parts[1]
	}
	if last.Type != "ByteLevel" {
		return false, fmt.Errorf("pre-tokenizer %q of a BPE model is neither ByteLevel nor a Sequence of Digits (individual) and ByteLevel", p.Type)
	}
	if last.Prefix || last.Regex != nil && !*last.Regex {
		return false, fmt.Errorf("pre-tokenizer ByteLevel with add_prefix_space or without use_regex cannot be read")
	}
	return cutDigits, nil
}

func (m *bpe) normalize(s string) string { return s }

func (m *bpe) encode(ids []int64, s string, limit int) ([]int64, error) {
	if !m.digits {
		return m.pieces(ids, s, limit), nil
	}
	for part := range digits(s) {
		ids = m.pieces(ids, part, limit)
	}
	return ids, nil
}

func (m *bpe) pieces(ids []int64, s string, limit int) []int64 {
	for piece := range chunks(s) {
		if len(ids) >= limit {
			break
		}
		ids = m.word(ids, piece)
	}
	return ids
}

// symbol is a token of a word under way, in a list of them.
type symbol struct {
	id         int64
	prev, next int // −1 at the ends
	gone       bool
}

// word appends the ids of one piece. The pair of the lowest rank is merged, the
// leftmost of equals, until none is left; a heap keeps long pieces (a megabyte of
// one letter) from taking quadratic time.
func (m *bpe) word(ids []int64, piece string) []int64 {
	list := make([]symbol, 0, len(piece))
	for i := range len(piece) {
		id := m.bytes[piece[i]]
		if id < 0 {
			id = m.unknown
			if id < 0 || m.fuse && i > 0 && m.bytes[piece[i-1]] < 0 {
				continue
			}
		}
		list = append(list, symbol{id: id, prev: len(list) - 1, next: len(list) + 1})
	}
	if len(list) == 0 {
		return ids
	}
	list[len(list)-1].next = -1
	m.join(list)
	for i := 0; i >= 0; i = list[i].next {
		ids = append(ids, list[i].id)
	}
	return ids
}

func (m *bpe) join(list []symbol) {
	var queue candidates
	for i := range len(list) - 1 {
		queue = m.consider(queue, list, i)
	}
	heap.Init(&queue)
	for len(queue) > 0 {
		best, _ := heap.Pop(&queue).(candidate)
		at := &list[best.at]
		if at.gone || at.next < 0 {
			continue
		}
		next := &list[at.next]
		if now, ok := m.merges[[2]int64{at.id, next.id}]; !ok || now.id != best.id {
			continue // one of the two was merged with another
		}
		at.id, at.next, next.gone = best.id, next.next, true
		if at.next >= 0 {
			list[at.next].prev = best.at
			m.push(&queue, list, best.at)
		}
		if at.prev >= 0 {
			m.push(&queue, list, at.prev)
		}
	}
}

// consider appends the merge of the symbol with the next one, if there is one.
func (m *bpe) consider(queue candidates, list []symbol, at int) candidates {
	if c, ok := m.merges[[2]int64{list[at].id, list[list[at].next].id}]; ok {
		queue = append(queue, candidate{c, at})
	}
	return queue
}

func (m *bpe) push(queue *candidates, list []symbol, at int) {
	if c, ok := m.merges[[2]int64{list[at].id, list[list[at].next].id}]; ok {
		heap.Push(queue, candidate{c, at})
	}
}

// candidate is a merge that may happen: of the symbol at a place with its next.
type candidate struct {
	merged
	at int
}

// candidates is a heap, the lowest rank and then the leftmost first.
type candidates []candidate

func (c candidates) Len() int      { return len(c) }
func (c candidates) Swap(i, j int) { c[i], c[j] = c[j], c[i] }
func (c candidates) Less(i, j int) bool {
	return c[i].rank < c[j].rank || c[i].rank == c[j].rank && c[i].at < c[j].at
}

// Push and Pop are container/heap's: it is older than type parameters.
func (c *candidates) Push(v any) {
	if one, ok := v.(candidate); ok {
		*c = append(*c, one)
	}
}

func (c *candidates) Pop() any {
	last := len(*c) - 1
	one := (*c)[last]
	*c = (*c)[:last]
	return one
}
