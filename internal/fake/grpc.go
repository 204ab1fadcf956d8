package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// Calls says how the gRPC server answers. It serves every method of every
// service: methods ending in Live or Ready answer true, as the Open Inference
// Protocol's do; all others answer with Message.
type Calls struct {
	Message []byte // raw protobuf; may be nonsense: the server does not look
	Code    codes.Code
	Error   string // goes with Code
	Delay   time.Duration
	Stall   Stall
	Stays   bool   // a call is a stream that answers each message, until the client ends it
	Fault   Fault  // Half, Reset and Garbage do what Drop does: close the connections
	Limit   uint32 // calls at a time that a connection takes; 0: any number
}

// GRPCServer is a running gRPC server on a loopback port.
type GRPCServer struct {
	calls    Calls
	listener *tracked
	server   *grpc.Server
	journal  *journal
	log      *arrivals
	streams  atomic.Int64
	done     chan struct{}
	ends     sync.WaitGroup
}

// Streams is how many calls were begun so far. Questions about readiness do not
// count.
func (g *GRPCServer) Streams() int { return int(g.streams.Load()) }

// GRPC starts a server that neither marshals nor unmarshals anything.
func GRPC(c Calls) (*GRPCServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start fake grpc server: %w", err)
	}
	g := &GRPCServer{
		calls:    c,
		listener: &tracked{Listener: l, conns: make(map[net.Conn]struct{})},
		journal:  newJournal(),
		done:     make(chan struct{}),
	}
	g.log = g.journal.open()
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(bytesCodec{}),
		grpc.UnknownServiceHandler(g.handle),
		grpc.MaxRecvMsgSize(256 << 20),
		grpc.WaitForHandlers(true), // Close leaves no goroutine
	}
	if c.Limit > 0 {
		options = append(options, grpc.MaxConcurrentStreams(c.Limit))
	}
	g.server = grpc.NewServer(options...)
	g.ends.Go(func() { g.server.Serve(g.listener) })
	return g, nil
}

// Addr is host:port.
func (g *GRPCServer) Addr() string { return g.listener.Addr().String() }

// Arrivals returns when each request so far had arrived whole, in order.
// Questions about readiness do not count.
func (g *GRPCServer) Arrivals() []time.Time {
	t := g.journal.times()
	slices.SortFunc(t, time.Time.Compare)
	return t
}

// Close ends every connection and returns when no goroutine is left.
func (g *GRPCServer) Close() error {
	close(g.done)
	g.server.Stop()
	g.ends.Wait()
	return nil
}

func (g *GRPCServer) handle(_ any, s grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(s)
	question := strings.HasSuffix(method, "Ready") || strings.HasSuffix(method, "Live")
	if !question {
		g.streams.Add(1)
	}
	for {
		var request []byte
		if err := s.RecvMsg(&request); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if question {
			ready := []byte{0x08, 0x01} // field 1, true
			return s.SendMsg(&ready)
		}
		if err := g.answer(s); err != nil || !g.calls.Stays {
			return err
		}
	}
}

// answer answers one message as the script says.
func (g *GRPCServer) answer(s grpc.ServerStream) error {
	n, now, first := g.journal.arrive(g.log)
	if err := g.sleep(s.Context(), wait(now, first, g.calls.Delay, g.calls.Stall)); err != nil {
		return err
	}
	if g.calls.Fault.hits(n) {
		if g.calls.Fault.Kind == Silent {
			return g.sleep(s.Context(), 1<<62)
		}
		g.listener.drop()
	}
	if g.calls.Code != codes.OK {
		return status.Error(g.calls.Code, g.calls.Error)
	}
	return s.SendMsg(&g.calls.Message)
}

// sleep returns after d, or early with the status that ends the call.
func (g *GRPCServer) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-g.done:
		return status.Error(codes.Unavailable, "fake server closed")
	}
}

// tracked is a listener that can close the connections it accepted.
type tracked struct {
	net.Listener
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func (l *tracked) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return c, nil
}

func (l *tracked) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.Close()
	}
	clear(l.conns)
}

// bytesCodec passes *[]byte through.
type bytesCodec struct{}

var _ encoding.CodecV2 = bytesCodec{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("fake grpc server: cannot send a %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(*b)}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("fake grpc server: cannot receive a %T", v)
	}
	*b = data.Materialize()
	return nil
}
