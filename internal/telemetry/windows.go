package telemetry

import "slices"

// Grown is the reading with what a server counted between two others added to
// it. Begun at the zero value and grown by each of several windows, it leaves
// out what was counted between the windows: their warm-ups.
func (r Reading) Grown(before, after Reading) (Reading, error) {
	did, err := after.Since(before)
	if err != nil {
		return Reading{}, err
	}
	answered, err := after.Answered.since(before.Answered)
	if err != nil {
		return Reading{}, err
	}
	out := Reading{
		Batches: r.Batches.plus(did.Batches), Generation: r.Generation.plus(did.Generation),
		Answered: r.Answered.plus(answered), Stages: map[string]Sum{},
	}
	for name, sum := range r.Stages {
		out.Stages[name] = sum
	}
	for name, now := range after.Stages {
		added, err := now.since(before.Stages[name])
		if err != nil {
			return Reading{}, err
		}
		out.Stages[name] = out.Stages[name].plus(added)
	}
	return out, nil
}

func (s Sum) plus(t Sum) Sum { return Sum{s.Count + t.Count, s.Seconds + t.Seconds} }

// plus is nil when neither is told.
func (b *Batches) plus(more *Batches) *Batches {
	switch {
	case b == nil:
		return more
	case more == nil:
		return b
	}
	out := Batches{Runs: b.Runs + more.Runs, Items: b.Items + more.Items, Sizes: slices.Clone(b.Sizes)}
	for _, size := range more.Sizes {
		i, found := slices.BinarySearchFunc(out.Sizes, size.Bound, func(have Bucket, bound float64) int {
			switch {
			case have.Bound < bound:
				return -1
			case have.Bound > bound:
				return 1
			}
			return 0
		})
		if found {
			out.Sizes[i].Runs += size.Runs
		} else {
			out.Sizes = slices.Insert(out.Sizes, i, size)
		}
	}
	return &out
}

func (g *Generation) plus(more *Generation) *Generation {
	switch {
	case g == nil:
		return more
	case more == nil:
		return g
	}
	out := Generation{
		First: addSums(g.First, more.First), Between: addSums(g.Between, more.Between),
		Mean: addSums(g.Mean, more.Mean), Whole: addSums(g.Whole, more.Whole),
	}
	if g.Tokens != nil || more.Tokens != nil {
		n := value(g.Tokens) + value(more.Tokens)
		out.Tokens = &n
	}
	if g.Prefix != nil || more.Prefix != nil {
		a, b := value(g.Prefix), value(more.Prefix)
		out.Prefix = &Prefix{a.Asked + b.Asked, a.Found + b.Found}
	}
	return &out
}

// addSums is nil when neither is told.
func addSums(a, b *Sum) *Sum {
	if a == nil && b == nil {
		return nil
	}
	sum := value(a).plus(value(b))
	return &sum
}
