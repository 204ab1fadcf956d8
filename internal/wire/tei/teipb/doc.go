// Package teipb is the generated code of tei.proto.
//
// To generate again (protoc 3.21 or newer and protoc-gen-go on PATH):
//
//	protoc --go_out=. --go_opt=paths=source_relative tei.proto
package teipb
