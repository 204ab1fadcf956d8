package grpcraw_test

import (
	"stackbench/internal/load"
	"stackbench/internal/wire/grpcraw"
)

// The engine drives these connections without either package knowing the other.
var _ load.Conn = (*grpcraw.Conn)(nil)
