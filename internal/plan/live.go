package plan

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Live is what a benchmark binary tells while a window goes on: how long the
// answers took that have come so far, as a histogram has it. It is for people
// who wait, and no result.
type Live struct {
	Name    string  `json:"name"` // of the leaf
	Answers int64   `json:"answers"`
	P50MS   float64 `json:"p50_ms"`
	P99MS   float64 `json:"p99_ms"`
}

// Write writes it as one JSON object and line.
func (l Live) Write(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(l); err != nil {
		return fmt.Errorf("tell how a window goes: %w", err)
	}
	return nil
}

// ReadLive hands over what Write wrote, until r ends or a line is something else.
func ReadLive(r io.Reader, take func(Live)) error {
	s := bufio.NewScanner(r)
	for s.Scan() {
		var l Live
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return fmt.Errorf("read how a window goes: %w", err)
		}
		take(l)
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read how a window goes: %w", err)
	}
	return nil
}
