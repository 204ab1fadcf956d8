package http1_test

import (
	"stackbench/internal/load"
	"stackbench/internal/wire/http1"
)

// The engine drives these connections without either package knowing the other.
var _ load.Conn = (*http1.Conn)(nil)
