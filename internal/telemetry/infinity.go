package telemetry

import (
	"encoding/json"
	"fmt"
)

// infinityWaiting reads what Infinity says of its queue in the list of its
// models: texts, and not those in batches that it has formed and not begun. It
// tells neither times nor batches.
func infinityWaiting(text []byte, s Source) (float64, error) {
	var list struct {
		Data []struct {
			Stats *struct {
				Queued float64 `json:"queue_absolute"`
			} `json:"stats"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return 0, fmt.Errorf("read Infinity's list of models: %w", err)
	}
	if len(list.Data) == 0 || list.Data[0].Stats == nil {
		return 0, ErrSilent
	}
	if n := list.Data[0].Stats.Queued; n >= 0 {
		return s.requests(n)
	}
	return 0, fmt.Errorf("read Infinity's list of models: %v texts wait", list.Data[0].Stats.Queued)
}
