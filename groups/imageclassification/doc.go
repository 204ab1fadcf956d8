// Package imageclassification asks: which stack classifies images fastest on
// this hardware, at what latency, and at what cost in memory and CPU?
//
// The workload is photographs and seeded images of mixed sizes. With
// input=jpeg the server decodes and scales them, which is what most services
// do and where most of their time beside the model goes; with input=tensor the
// client has done so, and only the model and the protocol are left. ResNet-50
// is the field's common measure; EfficientNet-Lite0, a tenth of its work, shows
// what the stack itself costs, and its trained weights make top-1 accuracy real.
//
// A win is a lower p95-ms at the same load or more img/s at the same latency,
// by more than the noise of repeated trials, with the same answers.
//
//	go test -run '^$' -bench . ./groups/imageclassification -stacks=embedded
package imageclassification
