package trial

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench/internal/meter"
	"stackbench/internal/record"
	"stackbench/internal/results"
	"stackbench/internal/telemetry"
)

func TestTheServersViewStandsBesideOurs(t *testing.T) {
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	answer := func(sent, first, last, tokens int) record.Record {
		var chunks []time.Duration
		for i := range tokens {
			chunks = append(chunks, at(first-sent+i*(last-first)/(tokens-1)))
		}
		return record.Record{Sent: at(sent), First: at(first), Last: at(last), Output: &record.Output{Chunks: chunks, Tokens: tokens}}
	}
	k := taken{}
	k.windows = []meter.Window{{Length: time.Second, Records: []record.Record{
		answer(0, 100, 300, 3), answer(500, 700, 1100, 3), // the second ends after the window
	}}}
	tokens := 60.0
	k.obs = &observation{own: &telemetry.Generation{
		Tokens: &tokens, First: &telemetry.Sum{Count: 2, Seconds: 0.28}, Mean: &telemetry.Sum{Count: 1, Seconds: 0.099},
	}}
	k.sum.Metrics = []meter.Metric{{Unit: "tok/s", Value: 59}}
	require.Equal(t, []results.View{
		{What: "ttft-mean-ms", Server: 140, Client: 150}, {What: "itl-mean-ms", Server: 99, Client: 100}, {What: "tok/s", Server: 60, Client: 59},
	}, views(k))
	k.obs.own = nil
	require.Empty(t, views(k))
}
