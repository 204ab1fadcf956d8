package results

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Name is the name of one benchmark leaf: the group and the conditions, in the
// fixed order of their keys. Exactly one of Conc, Rate, Knee and Users is set. A
// key whose value is zero is left out.
type Name struct {
	Group     string // as Go writes it: ImageClassification
	Stack     string
	Model     string
	Precision string // "" means fp32
	Proto     string
	Input     string
	Tokens    string // of generated text: lengths of prompt and answer: 128x128, or chat, a mix
	Prefix    string // of generated text: shared when prompts begin alike and the server may know that
	Batch     int    // items a request; Mixed: drawn from the group's distribution
	Batcher   string // the stack's own: off, or its maximum and delay: 16x5ms
	Conc      int    // users of a closed loop
	Rate      int    // requests a second of an open loop
	Knee      bool   // a search over the rates of an open loop
	Users     bool   // a search over the users of a closed loop
}

// Mixed is the Batch of requests that differ in size.
const Mixed = -1

// Split parts the name into the work (a block of a report) and the load under
// which a stack does it (a row of it); the stack is in neither.
func (n Name) Split() (work, load Name) {
	load = Name{Batch: n.Batch, Batcher: n.Batcher, Conc: n.Conc, Rate: n.Rate, Knee: n.Knee, Users: n.Users}
	work = n
	work.Stack, work.Batch, work.Batcher, work.Conc, work.Rate, work.Knee, work.Users = "", 0, "", 0, 0, false, false
	return work, load
}

// value is what a key may be set to. It cannot hold the separators of a name.
var value = regexp.MustCompile(`^[a-z0-9._-]+$`)

// procs is how testing ends a name to say GOMAXPROCS, when that is not 1.
var procs = regexp.MustCompile(`-[0-9]+$`)

var groupName = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

// pair is one key of a name with its value.
type pair struct{ key, value string }

func (n Name) pairs() []pair {
	all := []pair{
		{"stack", n.Stack}, {"model", n.Model}, {"precision", n.Precision}, {"proto", n.Proto},
		{"input", n.Input}, {"tokens", n.Tokens}, {"prefix", n.Prefix}, {"batch", n.batch()}, {"batcher", n.Batcher}, {"load", n.Load()},
		{"conc", number(n.Conc)}, {"rate", number(n.Rate)},
	}
	var set []pair
	for _, p := range all {
		if p.value != "" {
			set = append(set, p)
		}
	}
	return set
}

func (n Name) batch() string {
	if n.Batch == Mixed {
		return mixed
	}
	return number(n.Batch)
}

// mixed is the value of the batch key when it is no number.
const mixed = "mixed"

func number(i int) string {
	if i == 0 {
		return ""
	}
	return strconv.Itoa(i)
}

// Load is the value of the load key: open when requests come at a rate, knee
// when the highest rate that holds a limit is sought, users when the most users
// are.
func (n Name) Load() string {
	if n.Users {
		return "users"
	}
	if n.Knee {
		return "knee"
	}
	if n.Rate != 0 {
		return "open"
	}
	return "closed"
}

// Check says what keeps the name from being read back as it is: a value with
// other characters than [a-z0-9._-], or one that ends in a hyphen and digits,
// which every reader of the format takes for GOMAXPROCS.
func (n Name) Check() error {
	if !groupName.MatchString(n.Group) {
		return fmt.Errorf("benchmark name: group %q is not an exported Go name", n.Group)
	}
	loads := 0
	for _, set := range []bool{n.Conc != 0, n.Rate != 0, n.Knee, n.Users} {
		if set {
			loads++
		}
	}
	if n.Batch < Mixed || n.Conc < 0 || n.Rate < 0 || loads != 1 {
		return fmt.Errorf("benchmark name: batch %d, conc %d, rate %d, knee %t, users %t: give exactly one of conc, rate, knee and users, and nothing below zero", n.Batch, n.Conc, n.Rate, n.Knee, n.Users)
	}
	if n.Stack == "" || n.Model == "" {
		return errors.New("benchmark name: no stack or no model")
	}
	if n.Precision == "fp32" {
		return errors.New("benchmark name: fp32 is said by no precision at all")
	}
	for _, p := range n.pairs() {
		if !value.MatchString(p.value) {
			return fmt.Errorf("benchmark name: %s=%q has characters outside a-z 0-9 . _ -", p.key, p.value)
		}
		if procs.MatchString(p.value) {
			return fmt.Errorf("benchmark name: %s=%s ends like a GOMAXPROCS suffix", p.key, p.value)
		}
	}
	return nil
}

// String is the full name without "Benchmark":
// ImageClassification/stack=triton/model=resnet50/proto=grpc/input=jpeg/batch=8/load=closed/conc=16.
func (n Name) String() string {
	return n.Group + "/" + n.Path()
}

// Path is the name below its group: what b.Run is given.
func (n Name) Path() string {
	var parts []string
	for _, p := range n.pairs() {
		parts = append(parts, p.key+"="+p.value)
	}
	return strings.Join(parts, "/")
}

// ParseName reads what String writes, with or without "Benchmark" before it
// and testing's GOMAXPROCS suffix after it. Keys in another order, unknown or
// repeated ones are errors.
func ParseName(s string) (Name, error) {
	group, path, _ := strings.Cut(TrimProcs(strings.TrimPrefix(s, "Benchmark")), "/")
	n := Name{Group: group}
	for part := range strings.SplitSeq(path, "/") {
		key, v, ok := strings.Cut(part, "=")
		if !ok {
			return Name{}, fmt.Errorf("benchmark name %q: %q is not key=value", s, part)
		}
		if err := n.set(key, v); err != nil {
			return Name{}, fmt.Errorf("benchmark name %q: %w", s, err)
		}
	}
	if err := n.Check(); err != nil {
		return Name{}, fmt.Errorf("%w: in %q", err, s)
	}
	if n.Path() != path {
		return Name{}, fmt.Errorf("benchmark name %q: keys in another order than %s", s, n.Path())
	}
	return n, nil
}

func (n *Name) set(key, v string) error {
	texts := map[string]*string{"stack": &n.Stack, "model": &n.Model, "precision": &n.Precision, "proto": &n.Proto, "input": &n.Input, "tokens": &n.Tokens, "prefix": &n.Prefix, "batcher": &n.Batcher}
	counts := map[string]*int{"batch": &n.Batch, "conc": &n.Conc, "rate": &n.Rate}
	if place, ok := texts[key]; ok {
		*place = v
		return nil
	}
	if key == "batch" && v == mixed {
		n.Batch = Mixed
		return nil
	}
	if place, ok := counts[key]; ok {
		i, err := strconv.Atoi(v)
		if err != nil || i <= 0 {
			return fmt.Errorf("%s=%s is not a plain number above zero", key, v)
		}
		*place = i
		return nil
	}
	if key == "load" { // else it follows from conc or rate, and is compared with the whole path
		n.Knee, n.Users = v == "knee", v == "users"
		return nil
	}
	return fmt.Errorf("unknown key %q", key)
}

// TrimProcs removes the suffix by which testing says GOMAXPROCS. No value of
// ours ends like one, so on a machine with one processor, where testing adds
// none, nothing is lost.
func TrimProcs(name string) string {
	return procs.ReplaceAllString(name, "")
}

// GroupTitle is a group as users write it: image_classification.
func (n Name) GroupTitle() string {
	var b strings.Builder
	for i, r := range n.Group {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
