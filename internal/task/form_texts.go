package task

import (
	"cmp"
	"fmt"

	"stackbench"
	"stackbench/internal/stack"
	"stackbench/internal/workload"
)

const tokens = 64 // bucket of the texts, where the group states none

// textForm is sentences to embed.
type textForm struct{}

type sentences struct{ *workload.Texts }

func (s sentences) Item(i int) Item { return named(s.ID(i)) }

func (s sentences) Make(salt uint64, i int) (content, error) {
	return sentence(s.Text(salt, i).Text), nil
}

func sentence(text string) content { return raw[string]{stack.Text, text} }

func (textForm) source(s *Supply, _ Served) (source, error) {
	list, err := workload.NewTexts(stackbench.Testdata(), cmp.Or(s.Group.Tokens, tokens))
	return sentences{list}, err
}

func (textForm) committed(Served) (Fixed, error) {
	data := stackbench.Testdata()
	have, err := workload.Count(data)
	if err != nil {
		return nil, err
	}
	var all []workload.Text
	for bucket := range have.Texts {
		list, err := workload.NewTexts(data, bucket)
		if err != nil {
			return nil, err
		}
		all = append(all, list.Known()...)
	}
	return oneEach(all, nil, func(t workload.Text) (Item, content) { return named(t.ID, t.Golden), sentence(t.Text) })
}

// idForm is sentences that the client tokenised: the server's work is done
// beforehand.
type idForm struct{}

type tokenised struct {
	sentences
	model Served
}

func (t tokenised) Make(salt uint64, i int) (content, error) {
	if t.model.Tokenizer == nil {
		return nil, fmt.Errorf("%s has no tokenizer", t.model.Name)
	}
	ids, err := t.model.Tokenizer.Encode(t.Text(salt, i).Text)
	return raw[[]int64]{stack.IDs, ids}, err
}

func (idForm) source(s *Supply, m Served) (source, error) {
	list, err := workload.NewTexts(stackbench.Testdata(), cmp.Or(s.Group.Tokens, tokens))
	return tokenised{sentences{list}, m}, err
}

// committed: their answers are those of the texts.
func (idForm) committed(Served) (Fixed, error) { return nil, nil }
