//go:build unix

package oip

import (
	"context"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"stackbench/internal/cpuset"
	"stackbench/internal/fake"
	"stackbench/internal/oippb"
	"stackbench/internal/record"
	"stackbench/internal/wire/grpcraw"
)

const benchConns = 64

// BenchmarkGRPCCPU compares the CPU time of a unary call, in interleaved turns
// of a fifth of a second against one server in another process: the generated
// client in a bare loop over one connection, and this package, both with a
// deadline a call. Target: x-bare ≤ 1.1.
//
//	go test -run '^$' -bench GRPCCPU -benchtime 10x ./internal/wire/oip
func BenchmarkGRPCCPU(b *testing.B) {
	y := output(FP32, []int64{1, 8}, nil)
	child, err := fake.Spawn(fake.Order{GRPC: &fake.Calls{Message: marshal(b, [][]byte{make([]byte, 32)}, y)}, CPU: apart(b)})
	require.NoError(b, err)
	defer child.Close()
	bare, endBare := bareLoop(b, child.Addr())
	defer endBare()
	ours, endOurs := ourLoop(b, child.Addr())
	defer endOurs()

	loops := []func(context.Context, int) error{bare, ours}
	var cost [2]time.Duration
	var count [2]int
	for round := 0; b.Loop(); round++ {
		for i := range loops {
			i = (i + round) % 2
			before := cpuTime(b)
			count[i] += turn(b, loops[i])
			cost[i] += cpuTime(b) - before
		}
	}
	each := func(i int) float64 { return float64(cost[i].Nanoseconds()) / float64(count[i]) }
	b.ReportMetric(0, "ns/op") // the length of a turn says nothing
	b.ReportMetric(each(0)/1e3, "bare-cpu-µs")
	b.ReportMetric(each(1)/1e3, "ours-cpu-µs")
	b.ReportMetric(each(1)/each(0), "x-bare")
}

// turn keeps all users busy for a while and counts answers.
func turn(b *testing.B, do func(ctx context.Context, user int) error) int {
	var all sync.WaitGroup
	var counts [benchConns]int
	until := time.Now().Add(200 * time.Millisecond)
	for user := range counts {
		all.Go(func() {
			for ; time.Now().Before(until); counts[user]++ {
				ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
				err := do(ctx, user)
				cancel()
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return max(total, 1)
}

var small = Request{Model: "m", Inputs: []Tensor{NewFP32("x", []int64{1, 8}, make([]float32, 8))}}

func bareLoop(b *testing.B, addr string) (func(context.Context, int) error, func() error) {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(b, err)
	client := oippb.NewGRPCInferenceServiceClient(conn)
	request := &oippb.ModelInferRequest{
		ModelName:        small.Model,
		Inputs:           []*oippb.ModelInferRequest_InferInputTensor{{Name: "x", Datatype: FP32, Shape: []int64{1, 8}}},
		RawInputContents: [][]byte{small.Inputs[0].Data},
	}
	return func(ctx context.Context, _ int) error {
		_, err := client.ModelInfer(ctx, request)
		return err
	}, conn.Close
}

func ourLoop(b *testing.B, addr string) (func(context.Context, int) error, func() error) {
	request, err := EncodeGRPC(small)
	require.NoError(b, err)
	target, err := NewGRPCTarget(addr, [][]byte{request})
	require.NoError(b, err)
	var conns [benchConns]*grpcraw.Conn
	for i := range conns {
		conns[i], err = target.Dial(b.Context())
		require.NoError(b, err)
	}
	return func(ctx context.Context, user int) error {
		if r := conns[user].Do(ctx, user); r.Outcome != record.Good {
			return r.Err
		}
		return nil
	}, target.Close
}

// apart keeps this process on its first core for the benchmark's time, and
// returns a core for the server: another one, or -1 where there is none.
func apart(b *testing.B) int {
	all, err := cpuset.Usable()
	require.NoError(b, err)
	if len(all) < 2 {
		return -1
	}
	_, err = cpuset.Pin(all[:1])
	require.NoError(b, err)
	b.Cleanup(func() {
		_, err := cpuset.Pin(all)
		require.NoError(b, err)
	})
	return all[1]
}

// cpuTime is what this process has spent, system time included.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
