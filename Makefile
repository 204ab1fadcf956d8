# stackbench: make bench and make test are all that a newcomer needs.
STACKS  ?= embedded,fastapi-onnxruntime
GROUP   ?= image_classification,embeddings
PROFILE ?= quick
TRIALS  ?= 0
# NVML's Go bindings call functions that its own header calls deprecated.
export CGO_CFLAGS ?= -O2 -g -Wno-deprecated-declarations

.PHONY: help setup bench test lint images compare clean
help:     ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "%-9s %s\n", $$1, $$2}' Makefile
setup:    ## fetch and build all that bench needs: weights, ONNX Runtime, images or environments
	go tool stackbench setup --group $(GROUP) --stacks $(STACKS) --profile $(PROFILE)
bench:    ## set up, then measure and print the table (STACKS=all, PROFILE=standard, GROUP=embeddings)
	go tool stackbench run --group $(GROUP) --stacks $(STACKS) --profile $(PROFILE) --trials $(TRIALS)
test:     ## all tests: units with the race detector, then every stack that this machine can run
	go test -race ./...
lint:     ## formatting, vet, staticcheck, ruff
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run: gofmt -w ."; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	ruff check . && ruff format --check .
images:   ## make the Python base image from Debian packages, where none can be pulled
	stacks/base/debootstrap.sh
compare:  ## compare two runs: make compare A=results/one B=results/two
	go tool stackbench compare $(A) $(B)
clean:    ## remove what setup downloaded and built
	go tool stackbench clean
