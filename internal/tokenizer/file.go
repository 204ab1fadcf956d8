package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/sugarme/tokenizer/model"
	"github.com/sugarme/tokenizer/model/wordpiece"
)

// file is what is read of a tokenizer.json.
type file struct {
	Added []struct {
		ID         int64  `json:"id"`
		Content    string `json:"content"`
		SingleWord bool   `json:"single_word"`
		Left       bool   `json:"lstrip"`
		Right      bool   `json:"rstrip"`
		Normalized bool   `json:"normalized"`
	} `json:"added_tokens"`
	Normalizer struct {
		Type    string `json:"type"`
		Clean   bool   `json:"clean_text"`
		Chinese bool   `json:"handle_chinese_chars"`
		Accents *bool  `json:"strip_accents"` // nil: as Lower
		Lower   bool   `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer struct {
		Type string `json:"type"`
	} `json:"pre_tokenizer"`
	Post    postProcessor `json:"post_processor"`
	Padding *struct {
		ID int64 `json:"pad_id"`
	} `json:"padding"`
	Model struct {
		Type     string      `json:"type"`
		Unknown  string      `json:"unk_token"`
		Prefix   string      `json:"continuing_subword_prefix"`
		MaxChars int         `json:"max_input_chars_per_word"`
		Vocab    model.Vocab `json:"vocab"`
	} `json:"model"`
}

// postProcessor puts special tokens round a sequence: a template, or the two
// fixed tokens of the BERT and RoBERTa kinds.
type postProcessor struct {
	Type   string `json:"type"`
	Single []struct {
		Special *struct {
			ID string `json:"id"`
		} `json:"SpecialToken"`
		Sequence *struct{} `json:"Sequence"`
	} `json:"single"`
	Specials map[string]struct {
		IDs []int64 `json:"ids"`
	} `json:"special_tokens"`
	CLS namedID `json:"cls"`
	SEP namedID `json:"sep"`
}

// namedID is a pair such as ["[CLS]", 101].
type namedID struct {
	name string
	id   int64
}

func (n *namedID) UnmarshalJSON(data []byte) error {
	var pair [2]json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	if err := json.Unmarshal(pair[0], &n.name); err != nil {
		return err
	}
	return json.Unmarshal(pair[1], &n.id)
}

func parse(data []byte) (*Tokenizer, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("read tokenizer.json: %w", err)
	}
	if err := f.supported(); err != nil {
		return nil, err
	}
	t := &Tokenizer{norm: normalizer{
		clean: f.Normalizer.Clean, chinese: f.Normalizer.Chinese,
		accents: f.Normalizer.Lower, lower: f.Normalizer.Lower,
	}}
	if f.Normalizer.Accents != nil {
		t.norm.accents = *f.Normalizer.Accents
	}
	t.model = wordpiece.NewWordPieceBuilder().Vocab(&f.Model.Vocab).UnkToken(f.Model.Unknown).
		ContinuingSubwordPrefix(f.Model.Prefix).MaxInputCharsPerWord(f.Model.MaxChars).Build()
	var err error
	if t.before, t.after, err = f.Post.ids(); err != nil {
		return nil, err
	}
	t.pad = f.pad()
	for _, a := range f.Added {
		tok := addedToken{text: a.Content, id: a.ID, left: a.Left, right: a.Right}
		if a.Normalized {
			tok.text = t.norm.apply(tok.text)
			t.added[1] = append(t.added[1], tok)
		} else {
			t.added[0] = append(t.added[0], tok)
		}
	}
	return t, nil
}

// supported refuses whatever would be encoded wrongly.
func (f *file) supported() error {
	switch {
	case f.Model.Type != "WordPiece":
		return fmt.Errorf("model type %q is not WordPiece", f.Model.Type)
	case f.Normalizer.Type != "BertNormalizer":
		return fmt.Errorf("normalizer %q is not BertNormalizer", f.Normalizer.Type)
	case f.PreTokenizer.Type != "BertPreTokenizer":
		return fmt.Errorf("pre-tokenizer %q is not BertPreTokenizer", f.PreTokenizer.Type)
	case len(f.Model.Vocab) == 0:
		return errNoVocabulary
	case f.Model.MaxChars < wholeWord:
		return fmt.Errorf("max_input_chars_per_word %d is less than %d", f.Model.MaxChars, wholeWord)
	}
	if _, ok := f.Model.Vocab[f.Model.Unknown]; !ok {
		return fmt.Errorf("the unknown token %q is not in the vocabulary", f.Model.Unknown)
	}
	for word, id := range f.Model.Vocab {
		if id < 0 || id > math.MaxInt32 {
			return fmt.Errorf("vocabulary entry %.20q has id %d", word, id)
		}
	}
	for _, a := range f.Added {
		if a.ID < 0 || a.ID > math.MaxInt32 || a.Content == "" || a.SingleWord {
			return fmt.Errorf("added token %.20q (id %d): only non-empty tokens without single_word can be read", a.Content, a.ID)
		}
	}
	return nil
}

// pad prefers "<pad>": MPNet has both, "[PAD]" as a leftover of the BERT
// vocabulary inside its own.
func (f *file) pad() int64 {
	if f.Padding != nil {
		return f.Padding.ID
	}
	for _, name := range []string{"<pad>", "[PAD]"} {
		if id, ok := f.Model.Vocab[name]; ok {
			return int64(id)
		}
	}
	return 0
}

// ids gives the special tokens before and after the text.
func (p *postProcessor) ids() (before, after []int64, err error) {
	switch p.Type {
	case "BertProcessing", "RobertaProcessing":
		return []int64{p.CLS.id}, []int64{p.SEP.id}, nil
	case "TemplateProcessing":
	default:
		return nil, nil, fmt.Errorf("post-processor %q is not TemplateProcessing, BertProcessing or RobertaProcessing", p.Type)
	}
	into, texts := &before, 0
	for _, s := range p.Single {
		if s.Sequence != nil {
			into, texts = &after, texts+1
			continue
		}
		if s.Special == nil || p.Specials[s.Special.ID].IDs == nil {
			return nil, nil, fmt.Errorf("post-processor: a piece of the template is neither text nor a known special token")
		}
		*into = append(*into, p.Specials[s.Special.ID].IDs...)
	}
	if texts != 1 {
		return nil, nil, fmt.Errorf("post-processor: the template of one sequence has %d texts in it", texts)
	}
	return before, after, nil
}
