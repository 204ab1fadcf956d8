package results

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReasonsOfOldAndNewRuns(t *testing.T) {
	var got []Reason
	require.NoError(t, json.Unmarshal([]byte(`["sends were late", {"rule":"late","text":"sends were late"}]`), &got))
	require.Equal(t, []Reason{{"", "sends were late"}, {"late", "sends were late"}}, got)
	require.Equal(t, []string{"sends were late", "sends were late"}, Texts(got))

	line, err := json.Marshal(Reason{"late", "sends were late"})
	require.NoError(t, err)
	require.JSONEq(t, `{"rule":"late","text":"sends were late"}`, string(line))
	require.Error(t, json.Unmarshal([]byte(`[1]`), &got))
}
