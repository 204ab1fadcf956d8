package results

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"stackbench/internal/axis"
)

// Name is the name of one benchmark leaf: its group, and the conditions as
// values of the axes. Two of the same leaf are equal by ==.
type Name struct {
	Group string // as Go writes it: ImageClassification
	axis.Values
}

// With sets an axis, or with "" leaves it out.
func (n Name) With(k axis.Key, text string) Name {
	n.Values = axis.Names().With(n.Values, k, text)
	return n
}

// Split parts the name into the work (a block of a report) and the load under
// which a stack does it (a row of it); the column is in neither.
func (n Name) Split() (work, load Name) {
	t := axis.Names()
	return Name{n.Group, t.Only(n.Values, axis.Block)}, Name{Values: t.Only(n.Values, axis.Row)}
}

// Column is what stands beside the same of others in a block: the stack, and in
// what it computed.
func (n Name) Column() axis.Values { return axis.Names().Only(n.Values, axis.Column) }

// procs is how testing ends a name to say GOMAXPROCS, when that is not 1.
var procs = regexp.MustCompile(`-[0-9]+$`)

var groupName = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

// Check says what keeps the name from being read back as it is.
func (n Name) Check() error {
	if err := n.checkGroup(); err != nil {
		return fmt.Errorf("benchmark name: %w", err)
	}
	if err := axis.Names().Check(n.Values); err != nil {
		return fmt.Errorf("benchmark name: %w", err)
	}
	return nil
}

func (n Name) checkGroup() error {
	if !groupName.MatchString(n.Group) {
		return fmt.Errorf("group %q is not an exported Go name", n.Group)
	}
	return nil
}

// String is the full name without "Benchmark":
// ImageClassification/stack=triton/model=resnet50/proto=grpc/input=jpeg/batch=8/load=closed/conc=16.
func (n Name) String() string {
	return n.Group + "/" + n.Path()
}

// ParseName reads what String writes, with or without "Benchmark" before it
// and testing's GOMAXPROCS suffix after it. Keys in another order, unknown or
// repeated ones are errors.
func ParseName(s string) (Name, error) {
	group, path, _ := strings.Cut(TrimProcs(strings.TrimPrefix(s, "Benchmark")), "/")
	n := Name{Group: group}
	var err error
	if n.Values, err = axis.Names().Parse(path); err == nil {
		err = n.checkGroup()
	}
	if err != nil {
		return Name{}, fmt.Errorf("benchmark name %q: %w", s, err)
	}
	return n, nil
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
