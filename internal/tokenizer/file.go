package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/sugarme/tokenizer/model"
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
		Special    bool   `json:"special"`
	} `json:"added_tokens"`
	Normalizer struct {
		Type    string `json:"type"`
		Clean   bool   `json:"clean_text"`
		Chinese bool   `json:"handle_chinese_chars"`
		Accents *bool  `json:"strip_accents"` // nil: as Lower
		Lower   bool   `json:"lowercase"`
	} `json:"normalizer"`
	PreTokenizer preTokenizer  `json:"pre_tokenizer"`
	Post         postProcessor `json:"post_processor"`
	Padding      *struct {
		ID int64 `json:"pad_id"`
	} `json:"padding"`
	Model struct {
		Type     string      `json:"type"`
		Unknown  string      `json:"unk_token"`
		Prefix   string      `json:"continuing_subword_prefix"`
		MaxChars int         `json:"max_input_chars_per_word"`
		Vocab    model.Vocab `json:"vocab"`
		bpeOptions
	} `json:"model"`
}

// preTokenizer cuts a text into words; a Sequence is several, one after the other.
type preTokenizer struct {
	Type       string         `json:"type"`
	Individual bool           `json:"individual_digits"` // of Digits
	Prefix     bool           `json:"add_prefix_space"`  // of ByteLevel
	Regex      *bool          `json:"use_regex"`         // of ByteLevel; nil: yes
	Parts      []preTokenizer `json:"pretokenizers"`     // of a Sequence
}

// bpeOptions are what a BPE model has beside WordPiece's.
type bpeOptions struct {
	Merges       []merge  `json:"merges"`
	Suffix       string   `json:"end_of_word_suffix"`
	Dropout      *float64 `json:"dropout"`
	FuseUnknown  bool     `json:"fuse_unk"`
	ByteFallback bool     `json:"byte_fallback"`
	IgnoreMerges bool     `json:"ignore_merges"`
}

// merge is a pair of tokens that become one: ["a", "b"], or "a b" as older files
// have it.
type merge [2]string

func (m *merge) UnmarshalJSON(data []byte) error {
	if len(data) == 0 || data[0] != '"' {
		var pair []string
		if err := json.Unmarshal(data, &pair); err != nil {
			return err
		}
		if len(pair) != 2 {
			return fmt.Errorf("a merge of %d tokens: want 2", len(pair))
		}
		*m = merge(pair)
		return nil
	}
	var line string
	if err := json.Unmarshal(data, &line); err != nil {
		return err
	}
	a, b, ok := strings.Cut(line, " ")
	if !ok || strings.Contains(b, " ") {
		return fmt.Errorf("the merge %.40q is not two tokens with a blank between", line)
	}
	*m = merge{a, b}
	return nil
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
	if err := f.check(); err != nil {
		return nil, err
	}
	t := &Tokenizer{}
	var err error
	switch f.Model.Type {
	case "WordPiece":
		t.model, err = newWordPiece(&f)
	case "BPE":
		t.model, t.spelling, err = newBPE(&f)
	default:
		err = fmt.Errorf("model type %q is neither WordPiece nor BPE", f.Model.Type)
	}
	if err != nil {
		return nil, err
	}
	if t.before, t.after, err = f.Post.ids(f.Model.Type); err != nil {
		return nil, err
	}
	t.pad = f.pad()
	for _, a := range f.Added {
		tok := addedToken{text: a.Content, id: a.ID, left: a.Left, right: a.Right}
		if a.Normalized {
			tok.text = t.model.normalize(tok.text)
			t.added[1] = append(t.added[1], tok)
		} else {
			t.added[0] = append(t.added[0], tok)
		}
	}
	return t, nil
}

var errNoVocabulary = errors.New("the vocabulary is empty")

// check refuses, of any model, whatever would be encoded wrongly.
func (f *file) check() error {
	if len(f.Model.Vocab) == 0 {
		return errNoVocabulary
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

// ids gives the special tokens before and after the text. That of byte-level BPE
// may have none.
func (p *postProcessor) ids(model string) (before, after []int64, err error) {
	switch p.Type {
	case "BertProcessing", "RobertaProcessing":
		return []int64{p.CLS.id}, []int64{p.SEP.id}, nil
	case "TemplateProcessing":
		return p.template()
	case "ByteLevel", "":
		if model == "BPE" {
			return nil, nil, nil
		}
	}
	return nil, nil, fmt.Errorf("post-processor %q of a %s model is not TemplateProcessing, BertProcessing or RobertaProcessing, nor ByteLevel of a BPE model", p.Type, model)
}

func (p *postProcessor) template() (before, after []int64, err error) {
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
