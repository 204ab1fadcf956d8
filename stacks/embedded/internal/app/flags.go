package app

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"time"

	"stackbench/internal/stack"
)

// usage fits a screen.
const usage = `Serve one model of a model store with ONNX Runtime, inside one Go process.

  server --models ~/.cache/stackbench/models --model resnet50 \
         --rest 127.0.0.1:8000 --grpc 127.0.0.1:8001 --ort-lib libonnxruntime.so.1.32.0

Flags:
`

// config is the command line.
type config struct {
	store   location
	listen  listen
	compute compute
	queue   queue
	null    bool
}

type location struct{ models, model string }

type listen struct{ rest, grpc string }

type compute struct {
	device    string
	precision string
	threads   int
	library   string
}

type queue struct {
	maxBatch    int
	maxDelay    time.Duration
	waiting     int
	generations int
}

// The requests that may wait when the command line does not say. Generated text
// takes seconds: who is the 129th would wait for minutes.
const (
	waiting        = 256
	waitingForText = 128
)

// problem is an error with its cure: the two lines that a person reads.
type problem struct {
	err  error
	cure string
	code int // exit code
}

func (p *problem) Error() string { return p.err.Error() }

// wrong is a problem of the request itself.
func wrong(format string, args ...any) *problem {
	return &problem{fmt.Errorf(format, args...), "run the server with --help for its flags", exitWrong}
}

// parse reads the command line. It returns flag.ErrHelp after printing help to out.
func parse(args []string, out io.Writer) (config, error) {
	var c config
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.store.models, "models", "", "model store: a `folder` with one sub-folder a model")
	f.StringVar(&c.store.model, "model", "", "`name` of the model to serve")
	f.StringVar(&c.listen.rest, "rest", "127.0.0.1:8000", "`host:port` of the HTTP server")
	f.StringVar(&c.listen.grpc, "grpc", "", "`host:port` of the gRPC server; none when empty")
	f.StringVar(&c.compute.device, "device", string(stack.CPU), "`cpu or gpu`")
	f.StringVar(&c.compute.precision, "precision", string(stack.FP32), "`precision` of the model's graph")
	f.IntVar(&c.compute.threads, "threads", 1, "threads that one execution computes with")
	f.StringVar(&c.compute.library, "ort-lib", "", "`file` of ONNX Runtime's shared library, 1.24 or newer")
	f.IntVar(&c.queue.maxBatch, "max-batch", 0, "items the dynamic batcher joins at most; 0 switches it off")
	f.DurationVar(&c.queue.maxDelay, "max-delay", 2*time.Millisecond, "how long the batcher keeps a request for others to join")
	f.IntVar(&c.queue.waiting, "queue", 0, fmt.Sprintf("requests that may wait; more are answered 429 (default %d, of a model that generates text %d)", waiting, waitingForText))
	f.IntVar(&c.queue.generations, "generations", 8, "texts that are generated at a time, each in a batch of one, a token in turn")
	f.BoolVar(&c.null, "null", false, "answer at once with fixed values: no weights, no ONNX Runtime")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, usage)
		f.SetOutput(out)
		f.PrintDefaults()
		return c, err
	}
	if err != nil {
		return c, wrong("%v", err)
	}
	if f.NArg() > 0 {
		return c, wrong("unexpected argument %q", f.Arg(0))
	}
	return c, c.check()
}

func (c config) check() error {
	switch {
	case c.store.models == "":
		return wrong("flag needed: --models")
	case c.store.model == "":
		return wrong("flag needed: --model")
	case c.compute.library == "" && !c.null:
		return wrong("flag needed: --ort-lib (or --null)")
	case c.compute.device != string(stack.CPU) && c.compute.device != string(stack.GPU):
		return wrong("unknown device %q: it is cpu or gpu", c.compute.device)
	case c.compute.threads < 1:
		return wrong("--threads is %d: at least 1 is needed", c.compute.threads)
	case c.queue.maxBatch < 0:
		return wrong("--max-batch is %d: it cannot be negative", c.queue.maxBatch)
	case c.queue.maxDelay < 0:
		return wrong("--max-delay is %v: it cannot be negative", c.queue.maxDelay)
	case c.queue.waiting < 0:
		return wrong("--queue is %d: it cannot be negative", c.queue.waiting)
	case c.queue.generations < 1:
		return wrong("--generations is %d: at least 1 is needed", c.queue.generations)
	}
	for _, address := range []string{c.listen.rest, c.listen.grpc} {
		if _, _, err := net.SplitHostPort(address); err != nil && address != "" {
			return wrong("%q is not host:port: %v", address, err)
		}
	}
	if c.listen.rest == "" {
		return wrong("flag needed: --rest")
	}
	return nil
}
