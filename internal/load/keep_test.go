package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/record"
)

// offered gives requests [from, to) with answers of size bytes to workers in
// turn, and returns the records that kept theirs.
func offered(budget int64, from, to, size, workers int) []*record.Record {
	k := &keeper{budget: budget}
	samples := make([]sample, workers)
	for seq := from; seq < to; seq++ {
		reply := record.Reply{Head: make([]byte, size/2), Body: make([]byte, size-size/2)}
		samples[seq%workers].offer(k, &record.Record{Seq: seq}, reply)
	}
	var kept []*record.Record
	for i := range samples {
		samples[i].thin(k)
		kept = append(kept, samples[i].kept...)
	}
	return kept
}

func seqs(kept []*record.Record) map[int]bool {
	out := make(map[int]bool)
	for _, r := range kept {
		out[r.Seq] = r.Answer != nil
	}
	return out
}

func TestKeepsAllThatFits(t *testing.T) {
	require.Len(t, offered(100_000, 500, 1500, 100, 8), 1000)
}

func TestKeepsNothingWithoutBudget(t *testing.T) {
	require.Empty(t, offered(0, 0, 1000, 100, 8))
	require.Empty(t, offered(0, 0, 1000, 0, 8))
}

func TestSkipsAnAnswerLargerThanTheBudget(t *testing.T) {
	k := &keeper{budget: 100}
	var s sample
	s.offer(k, &record.Record{Seq: 1}, record.Reply{Body: make([]byte, 101)})
	s.offer(k, &record.Record{Seq: 2}, record.Reply{Body: make([]byte, 100)})
	require.Equal(t, map[int]bool{2: true}, seqs(s.kept))
}

func TestThinsEvenlyWithinTheBudget(t *testing.T) {
	const from, to, size, budget = 12_345, 112_345, 100, 200_000 // fits 2,000 of 100,000
	kept := offered(budget, from, to, size, 64)
	require.LessOrEqual(t, len(kept)*size, budget)

	var tenths [10]int
	var inputs [48]int // a cycle of inputs, as a workload has it
	for _, r := range kept {
		require.NotNil(t, r.Answer)
		tenths[(r.Seq-from)*10/(to-from)]++
		inputs[r.Seq%48]++
	}
	share := len(kept) / 10
	for i, n := range tenths {
		require.InDelta(t, share, n, 3, "tenth %d of the window", i)
	}
	for i, n := range inputs {
		require.InDelta(t, float64(len(kept))/48, n, 12, "input %d", i)
	}
}

// The budget is used: each of these fits one in a power of two almost exactly,
// so a level too many would leave half of it.
func TestThinsNoMoreThanNeeded(t *testing.T) {
	for _, budget := range []int64{20_000, 40_000, 80_000, 160_000} {
		bytes := 100 * len(offered(budget, 0, 100_000, 100, 16))
		require.LessOrEqual(t, int64(bytes), budget)
		require.Greater(t, float64(bytes), 0.9*float64(budget))
	}
}

// A worker that falls silent still gives up what others' answers crowd out.
func TestCollectThinsWorkersThatFellSilent(t *testing.T) {
	r := &run{plan: Plan{Window: time.Hour}}
	r.keeper.budget = 1000
	workers := []worker{{run: r}, {run: r}}
	for seq := range 10_000 {
		busy := &workers[min(seq/10, 1)]
		busy.note(seq, time.Duration(seq), record.Reply{Body: make([]byte, 100)})
	}
	require.Len(t, workers[0].sample.kept, 10, "before")
	kept := 0
	for _, rec := range r.collect(workers, &ledger{}) {
		if rec.Answer != nil {
			kept++
		}
	}
	require.LessOrEqual(t, kept*100, 1000)
}

// What is kept follows from numbers and sizes, not from who served them.
func TestKeepsTheSameForAnyNumberOfWorkers(t *testing.T) {
	want := seqs(offered(50_000, 0, 20_000, 100, 1))
	for _, workers := range []int{2, 7, 512} {
		require.Equal(t, want, seqs(offered(50_000, 0, 20_000, 100, workers)), "%d workers", workers)
	}
}

// TestKeepsOthersForAnotherFirst: who does not know the first request's number
// does not know which answers are kept, and all of the window may be.
func TestKeepsOthersForAnotherFirst(t *testing.T) {
	const requests = 10_000
	var often [10]int
	same := 0
	first := seqs(offered(20_000, 0, requests, 100, 1))
	for _, from := range []int{1_000_003, 77_777_777, 1_234_567_890} {
		for _, r := range offered(20_000, from, from+requests, 100, 1) {
			often[(r.Seq-from)*10/requests]++
			if first[r.Seq-from] {
				same++
			}
		}
	}
	for i, n := range often {
		require.InDelta(t, 60, n, 30, "tenth %d", i)
	}
	require.Less(t, same, 60, "of about 600")
}
