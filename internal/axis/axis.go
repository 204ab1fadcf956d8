// Package axis is the one table of the keys of a benchmark's name: their order,
// what each may be set to, and where its values stand in a table of results.
// Reading, writing, checking and sorting of names, titles, labels and benchstat's
// rows all follow from it, so that a new axis is a line here.
package axis

// Key is an axis as names spell it.
type Key string

// The axes that code asks for.
const (
	Stack     Key = "stack"
	Model     Key = "model"
	Precision Key = "precision"
	Proto     Key = "proto"
	Input     Key = "input"
	Tokens    Key = "tokens"
	Prefix    Key = "prefix"
	Batch     Key = "batch"
	Batcher   Key = "batcher"
	Load      Key = "load"
	Conc      Key = "conc"
	Rate      Key = "rate"
)

// The values that code asks for.
const (
	Closed = "closed" // load: users who send one request after the other
	Open   = "open"   // load: requests at a rate
	Knee   = "knee"   // load: the highest rate that holds a limit is sought
	Users  = "users"  // load: the most users that hold limits are sought
	Mixed  = "mixed"  // batch: drawn from the group's distribution
	Off    = "off"    // batcher: none
	Shared = "shared" // prefix: prompts begin alike, and the server may know that
)

// Names is the table, in the order of the keys in a name.
func Names() Table {
	return Table{
		{Key: Stack, Place: Column, Needed: true},
		{Key: Model, Needed: true},
		{Key: Precision, Place: Column, Default: "fp32"},
		{Key: Proto},
		{Key: Input},
		{Key: Tokens, Noun: "tokens"}, // of prompt and answer: 128x128, or chat, a mix
		{Key: Prefix, Noun: "prefix"},
		{Key: Batch, Kind: Number, Place: Row, Words: []string{Mixed}}, // items a request
		{Key: Batcher, Place: Row, Words: []string{Off}},               // off, or maximum and delay: 16x5ms
		{Key: Load, Kind: Choice, Place: Row, Needed: true, Words: []string{Closed, Open, Knee, Users}},
		{Key: Conc, Kind: Number, Place: Row, Under: Closed},
		{Key: Rate, Kind: Number, Place: Row, Under: Open}, // requests a second
	}
}

// Axis is one key.
type Axis struct {
	Key     Key
	Kind    Kind
	Place   Place
	Needed  bool     // no name is without it
	Default string   // what a name says by leaving the key out
	Words   []string // values with an order of their own, before all others: of a choice the only ones, of a number those that are none
	Under   string   // the choice that this number belongs to: set with it, and only then
	Noun    string   // stands behind the value in titles: 128x128 tokens
}

// Kind is what values an axis has.
type Kind int

const (
	Word   Kind = iota
	Number      // plain and above zero, so that benchstat's @num sorts it
	Choice      // one of the axis's words
)

// Place is where the values of an axis stand in a table of results.
type Place int

const (
	Block  Place = iota // a table each
	Column              // side by side
	Row                 // below one another
)

// Table is axes in the order in which a name gives them.
type Table []Axis

// Find gives the axis of a key.
func (t Table) Find(k Key) (Axis, bool) {
	if i := t.index(k); i < len(t) {
		return t[i], true
	}
	return Axis{}, false
}

// index is a key's place in the order; of an unknown one, behind all others.
func (t Table) index(k Key) int {
	for i, a := range t {
		if a.Key == k {
			return i
		}
	}
	return len(t)
}

// At gives the axes of a place.
func (t Table) At(p Place) Table {
	var out Table
	for _, a := range t {
		if a.Place == p {
			out = append(out, a)
		}
	}
	return out
}
