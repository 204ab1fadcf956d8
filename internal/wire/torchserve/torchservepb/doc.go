// Package torchservepb is the generated code of torchserve.proto.
//
// To generate again (protoc 3.21 or newer and protoc-gen-go on PATH):
//
//	protoc --go_out=. --go_opt=paths=source_relative torchserve.proto
package torchservepb
