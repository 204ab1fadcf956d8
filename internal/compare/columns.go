package compare

import (
	"cmp"
	"slices"
	"strings"

	"stackbench/internal/axis"
	"stackbench/internal/results"
)

// columns are what stands side by side in a work's block, in the order of their
// axes: trials are shuffled, so the order of appearance says nothing.
func (w *work) columns() []axis.Values {
	var out []axis.Values
	for _, l := range w.leaves {
		if !slices.Contains(out, l.column) {
			out = append(out, l.column)
		}
	}
	slices.SortFunc(out, byAxis(axis.Column))
	return out
}

func byAxis(p axis.Place) func(a, b axis.Values) int {
	t := axis.Names()
	return func(a, b axis.Values) int { return t.Compare(a, b, p) }
}

// loads are a work's, in the order of its rows.
func (w *work) loads() []results.Name {
	var out []results.Name
	for _, l := range w.leaves {
		if !slices.Contains(out, l.load) {
			out = append(out, l.load)
		}
	}
	rows := byAxis(axis.Row)
	slices.SortFunc(out, func(a, b results.Name) int { return rows(a.Values, b.Values) })
	return out
}

// heading is a block's title and the heads of its columns. The first column axis
// always heads them; a further one where the columns differ in it, and where
// they do not, the title says it once.
func heading(key results.Name, columns []axis.Values) (titled string, heads []string) {
	heads = make([]string, len(columns))
	for i, a := range axis.Names().At(axis.Column) {
		if i > 0 && !varied(a.Key, columns) {
			key = key.With(a.Key, columns[0].Get(a.Key))
			continue
		}
		for c, v := range columns {
			heads[c] = strings.TrimSpace(heads[c] + " " + cmp.Or(v.Get(a.Key), a.Default))
		}
	}
	return title(key), heads
}

// varied says that some of the values are set to another than the rest.
func varied(k axis.Key, all []axis.Values) bool {
	return slices.ContainsFunc(all, func(v axis.Values) bool { return v.Get(k) != all[0].Get(k) })
}

// title says what is measured: image_classification · resnet50 · rest · jpeg.
func title(key results.Name) string {
	return strings.Join(append([]string{key.GroupTitle()}, axis.Names().Label(key.Values)...), " · ")
}

// label names a load in a few words: batch=1 conc=8.
func label(load results.Name) string {
	return strings.Join(axis.Names().Label(load.Values), " ")
}

// where names a leaf in a line of text.
func where(n results.Name) string {
	work, load := n.Split()
	t := axis.Names()
	return strings.Join(slices.Concat(t.Label(n.Column()), t.Label(work.Values), t.Label(load.Values)), " ")
}

// searches says that the load is sought.
func searches(load results.Name) bool {
	return slices.Contains([]string{axis.Knee, axis.Users}, load.Get(axis.Load))
}
