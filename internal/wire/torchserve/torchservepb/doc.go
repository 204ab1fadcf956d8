// Package torchservepb is the generated code of inference.proto, the part of
// TorchServe's gRPC interface that stackbench speaks.
//
// To generate again (protoc 3.21 or newer, protoc-gen-go and
// protoc-gen-go-grpc on PATH):
//
//	protoc --go_out=. --go_opt=paths=source_relative --go-grpc_out=. --go-grpc_opt=paths=source_relative inference.proto
package torchservepb
