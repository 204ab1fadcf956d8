package workload

const (
	goldenEach   = 8  // one input in eight is a committed one, to begin with
	goldenEarly  = 64 // inputs for which that holds
	goldenOctave = 8  // committed ones in each doubling of the inputs from there on
)

// Committed says whether input number i of a window is a committed one, whose
// answer is known, and how many of these came before it. They are often enough
// among the inputs that each window has some, and so seldom that a cache which
// knows them all answers for next to nothing: one in eight of the first 64,
// then eight more whenever the inputs have doubled.
func Committed(i int) (before int, ok bool) {
	if i < goldenEarly {
		return i / goldenEach, i%goldenEach == goldenEach/4
	}
	start, octave := goldenEarly, 0
	for i >= 2*start {
		start, octave = 2*start, octave+1
	}
	gap := start / goldenOctave
	at := i - start
	return goldenEarly/goldenEach + octave*goldenOctave + at/gap, at%gap == gap/4
}

// scatter spreads the numbers of inputs over 0…of−1, so that no two of of
// successive ones meet.
func scatter(salt uint64, i int, of uint64) uint64 {
	const prime = 2_654_435_761 // and so without a divisor in common with of
	return (uint64(i)%of*prime%of + salt%of) % of
}
