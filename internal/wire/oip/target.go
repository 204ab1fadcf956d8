package oip

import (
	"stackbench/internal/oippb"
	"stackbench/internal/wire/grpcraw"
)

// NewGRPCTarget prepares marshalled ModelInferRequests (see EncodeGRPC) for the
// server at host:port. They must not change from now on.
func NewGRPCTarget(addr string, requests [][]byte) (*grpcraw.Target, error) {
	return grpcraw.NewTarget(addr, oippb.GRPCInferenceService_ModelInfer_FullMethodName, requests)
}
