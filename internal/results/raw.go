package results

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"stackbench/internal/unit"
)

// UnmarshalJSON reads a trial of any age: before raw times stood in one map by
// the name of their series, two of them had fields of their own.
func (t *Trial) UnmarshalJSON(text []byte) error {
	type plain Trial
	read := struct {
		*plain
		Latencies []float64 `json:"latencies_us"`
		Firsts    []float64 `json:"ttft_us"`
	}{plain: (*plain)(t)}
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	t.keep(unit.Response, read.Latencies)
	t.keep(unit.FirstText, read.Firsts)
	return nil
}

// keep adds a raw series, unless it is empty or the trial has it.
func (t *Trial) keep(s unit.Series, us []float64) {
	if len(us) == 0 || t.Raw[s] != nil {
		return
	}
	if t.Raw == nil {
		t.Raw = map[unit.Series][]float64{}
	}
	t.Raw[s] = us
}

// known says which of a trial's units and raw series have no row in the tables
// of package unit: readers would not know what they are.
func (t Trial) known() error {
	for u := range t.Metrics {
		if _, ok := unit.Find(u); !ok {
			return fmt.Errorf("%s has no row in the table of units\nadd it to internal/unit", u)
		}
	}
	for s := range t.Raw {
		if !slices.Contains(unit.Recorded(), s) {
			return fmt.Errorf("the raw series %s is none that trials keep\nadd it to internal/unit", s)
		}
	}
	return nil
}

// Microseconds is how a trial keeps raw times: to a tenth of a microsecond, which
// is finer than any clock here and halves the file.
func Microseconds(times []time.Duration) []float64 {
	us := make([]float64, len(times))
	for i, d := range times {
		us[i] = math.Round(float64(d.Nanoseconds())/100) / 10
	}
	return us
}
