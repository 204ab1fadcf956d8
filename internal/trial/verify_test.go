package trial

import (
	"testing"

	"github.com/stretchr/testify/require"

	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/task"
)

// TestDrawnAnswersAreOfAnyItem: four requests of eight are enough for twenty
// answers, no item twice and none that is checked anyway.
func TestDrawnAnswersAreOfAnyItem(t *testing.T) {
	items := make([]task.Item, 8)
	items[3].Golden = true
	in := task.Fixed{{Items: items}}
	var records []record.Record
	for n := range 4 {
		records = append(records, record.Record{Seq: n, Outcome: record.Good, Answer: &record.Answer{}})
	}
	k := taken{outcome: outcome{
		work:    &task.Work{In: in, Decode: func(record.Answer, int) (task.Answers, error) { return task.Answers{}, nil }},
		windows: []meter.Window{{Records: records}},
	}}
	drawn := k.sample()
	require.Len(t, drawn, drawnAnswers)
	seen := map[place]bool{}
	for _, one := range drawn {
		require.NotEqual(t, 3, one.k)
		require.False(t, seen[place{one.n, one.k}])
		seen[place{one.n, one.k}] = true
	}
}
