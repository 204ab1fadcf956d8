package oip_test

import (
	"stackbench/internal/load"
	"stackbench/internal/wire/oip"
)

// The engine drives these connections without either package knowing the other.
var _ load.Conn = (*oip.GRPCConn)(nil)
