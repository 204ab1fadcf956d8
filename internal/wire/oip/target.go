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

// NewStreamTarget is NewGRPCTarget for ModelStreamInfer, which keeps a stream
// open a connection and answers each request on it with one message.
func NewStreamTarget(addr string, requests [][]byte) (*grpcraw.StreamTarget, error) {
	return grpcraw.NewStreamTarget(addr, oippb.GRPCInferenceService_ModelStreamInfer_FullMethodName, requests)
}
