package wer

// Align counts the fewest errors that make the heard words of the spoken ones.
// The same number often splits into kinds in several ways; the split is the one
// that jiwer reports, whose aligner deletes before it inserts, and both before
// it substitutes, from the end on.
func Align(spoken, heard []string) Counts {
	var ends int
	for len(spoken) > 0 && len(heard) > 0 && spoken[0] == heard[0] {
		spoken, heard, ends = spoken[1:], heard[1:], ends+1
	}
	for len(spoken) > 0 && len(heard) > 0 && spoken[len(spoken)-1] == heard[len(heard)-1] {
		spoken, heard, ends = spoken[:len(spoken)-1], heard[:len(heard)-1], ends+1
	}
	// before and now are the ways to the words heard so far, one for each number
	// of spoken words.
	before, now := make([]Counts, len(spoken)+1), make([]Counts, len(spoken)+1)
	for i := range before {
		before[i] = Counts{Deletions: i}
	}
	for j, word := range heard {
		now[0] = Counts{Insertions: j + 1}
		for i, want := range spoken {
			now[i+1] = cheapest(before[i], before[i+1], now[i], want == word, j > 0)
		}
		before, now = now, before
	}
	counts := before[len(spoken)]
	counts.Hits += ends
	return counts
}

// cheapest goes one step on: from both words before, from the heard one before,
// or from the spoken one before.
func cheapest(both, inserted, deleted Counts, same, behindFirst bool) Counts {
	costs := [...]int{both.Errors() + 1, inserted.Errors() + 1, deleted.Errors() + 1}
	if same {
		costs[0]--
	}
	cost := min(costs[0], costs[1], costs[2])
	switch {
	case cost == costs[2]:
		deleted.Deletions++
		return deleted
	case behindFirst && inserted.Errors() < both.Errors():
		inserted.Insertions++
		return inserted
	case same:
		both.Hits++
	default:
		both.Substitutions++
	}
	return both
}
