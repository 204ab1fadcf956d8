// Package oippb is the generated code of oip.proto, the part of the Open
// Inference Protocol v2 over gRPC that stackbench speaks. Clients, the embedded
// stack and the fakes share it, because two registrations of the service
// inference.GRPCInferenceService in one binary panic at start.
//
// To generate again (protoc 3.21 or newer, protoc-gen-go and
// protoc-gen-go-grpc on PATH):
//
//	protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative oip.proto
package oippb
