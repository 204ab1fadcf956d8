package triton_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"stackbench"
	"stackbench/internal/boot"
	"stackbench/internal/model"
	"stackbench/internal/record"
	"stackbench/internal/stack"
	"stackbench/internal/telemetry"
	"stackbench/internal/wire/grpcraw"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/oip"
	"stackbench/internal/workload"
	"stackbench/stacks/fastapi"
	"stackbench/stacks/triton"
)

const small = "efficientnet-lite0"

// real is how the real server is started in its container, with the store in
// models; without Docker the test is skipped.
func real(t *testing.T, models string, m stack.Model) boot.Spec {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the image and starts the real server")
	}
	s := boot.Spec{
		Stack: triton.Stack(fastapi.Library()), Launcher: boot.Container, Cache: t.TempDir(),
		Run:   stack.Run{Models: models, Model: m, Device: stack.CPU, Threads: 1},
		Ready: func(ctx context.Context, at stack.Endpoint) error { return ready(ctx, at, m.Name) },
	}
	_, err := boot.Resolve(t.Context(), s)
	var not *boot.Unavailable
	if errors.As(err, &not) {
		t.Skip(not.Reason)
	}
	require.NoError(t, err)
	return s
}

// TestTheRealServer sends it a picture in every way that it takes one.
func TestTheRealServer(t *testing.T) {
	cache := t.TempDir()
	s := real(t, filepath.Join(cache, "models"), stack.Model{Name: small})
	m, err := model.Open(cache).Prepare(t.Context(), small, model.Seeded, nil)
	require.NoError(t, err)
	s.Run.Model, s.Run.Batch = m.Model, stack.Batching{Max: 8, Delay: 300 * time.Millisecond}
	up, err := boot.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, up.Stop(context.Background())) })
	at := up.Endpoint
	for name, platform := range map[string]string{small: "python", small + "_jpeg": "ensemble"} {
		overREST := metadataREST(t, at.REST, name)
		require.Equal(t, platform, overREST.Platform)
		require.Equal(t, overREST, metadataGRPC(t, at.GRPC, name))
	}

	pictures, err := workload.Photographs(stackbench.Testdata())
	require.NoError(t, err)
	jpegs := oip.Request{Model: small + "_jpeg", Inputs: []oip.Tensor{oip.NewBYTES("IMAGE", []int64{2, 1}, [][]byte{pictures[0].JPEG, pictures[1].JPEG})}}
	logits := ask(t, at, jpegs)
	require.Len(t, logits, 2*1000)
	var norm workload.Normalisation
	for c := range 3 {
		norm.Mean[c], norm.Std[c] = float32(m.Image.Mean[c]), float32(m.Image.Std[c])
	}
	cuts, err := workload.NewTensors(stackbench.Testdata(), norm)
	require.NoError(t, err)
	pixels := oip.Request{Model: small, Inputs: []oip.Tensor{oip.NewFP32("pixel_values", []int64{1, 3, 224, 224}, cuts.Cuts()[0].Data)}}
	require.Len(t, ask(t, at, pixels), 1000)

	source := telemetry.Source{Kind: stack.TritonStatistics, At: at, Model: small}
	did := counted(t, source, 2*2+2*1+1)
	require.InDelta(t, 2*2+2*1+1, did.Batches.Items, 0, "two pictures and one cut over both transports, and one warm-up")
	require.InDelta(t, 5, did.Batches.Runs, 0)
	now, err := source.Gauges(t.Context())
	require.NoError(t, err)
	require.Zero(t, now)

	together(t, at, pixels, 8)
	after := counted(t, source, did.Batches.Items+8)
	work, err := after.Since(did)
	require.NoError(t, err)
	require.InDelta(t, 8, work.Batches.Items, 0)
	require.Less(t, work.Batches.Runs, 8.0, "what waited was computed together")
	require.Greater(t, work.Batches.Largest(), 1)

	jpegs.Inputs[0] = oip.NewBYTES("IMAGE", []int64{1, 1}, [][]byte{[]byte("no picture")})
	refused(t, at, jpegs, 400, "the image is not a readable JPEG")
	pixels.Inputs[0] = oip.NewFP32("pixel_values", []int64{1, 1}, []float32{1})
	refused(t, at, pixels, 400, "unexpected shape for input 'pixel_values'")
	pixels.Model = "nope"
	refused(t, at, pixels, 404, "unknown model: 'nope'")
}

// counted reads the statistics until they have that many items: Triton counts
// an answer after it has sent it.
func counted(t *testing.T, source telemetry.Source, items float64) telemetry.Reading {
	t.Helper()
	for {
		got, err := source.Read(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, got.Batches.Items, items)
		if got.Batches.Items == items {
			return got
		}
	}
}

// ask sends a request over both transports and wants the same values back.
func ask(t *testing.T, at stack.Endpoint, r oip.Request) []float32 {
	t.Helper()
	overREST, overGRPC := send(t, at, r)
	require.NoError(t, overREST.Err)
	require.NoError(t, overGRPC.Err)
	a, err := oip.DecodeREST(record.Answer{Head: overREST.Head, Body: overREST.Body})
	require.NoError(t, err)
	b, err := oip.DecodeGRPC(record.Answer{Head: overGRPC.Head, Body: overGRPC.Body})
	require.NoError(t, err)
	require.Equal(t, a, b)
	values, err := a[0].Float32s()
	require.NoError(t, err)
	return values
}

// together sends the same request n times at once.
func together(t *testing.T, at stack.Endpoint, r oip.Request, n int) {
	t.Helper()
	q, err := oip.EncodeREST(r)
	require.NoError(t, err)
	var all sync.WaitGroup
	replies := make([]record.Reply, n)
	for i := range replies {
		all.Go(func() { replies[i] = http1.Fetch(t.Context(), at.REST, q) })
	}
	all.Wait()
	for _, reply := range replies {
		require.NoError(t, reply.Err)
	}
}

// refused sends a request over both transports and wants the server's words.
func refused(t *testing.T, at stack.Endpoint, r oip.Request, status int, words string) {
	t.Helper()
	overREST, overGRPC := send(t, at, r)
	require.Equal(t, record.Status, overREST.Outcome)
	require.Equal(t, status, overREST.Code)
	require.ErrorContains(t, overREST.Err, words)
	require.Equal(t, record.Status, overGRPC.Outcome)
	require.ErrorContains(t, overGRPC.Err, words)
}

func send(t *testing.T, at stack.Endpoint, r oip.Request) (overREST, overGRPC record.Reply) {
	t.Helper()
	q, err := oip.EncodeREST(r)
	require.NoError(t, err)
	raw, err := oip.EncodeGRPC(r)
	require.NoError(t, err)
	target, err := oip.NewGRPCTarget(at.GRPC, [][]byte{raw})
	require.NoError(t, err)
	defer func() { require.NoError(t, target.Close()) }()
	var conn *grpcraw.Conn
	conn, err = target.Dial(t.Context())
	require.NoError(t, err)
	return http1.Fetch(t.Context(), at.REST, q), conn.Do(t.Context(), 0)
}

// TestTheServersOwnWords starts the real server with repositories that it
// rejects. Those for the official image are among them: it has no such backend
// here, and says so only of configurations that it could read.
func TestTheServersOwnWords(t *testing.T) {
	library := fastapi.Library()
	written := func(s stack.Stack, on stack.Device) func(stack.Run) (stack.Files, error) {
		return func(r stack.Run) (stack.Files, error) {
			r.Device = on
			return s.Container.Files(r)
		}
	}
	for name, c := range map[string]struct {
		model stack.Model
		files func(stack.Run) (stack.Files, error)
		words string
	}{
		"image for the official image": {image(), written(triton.Stack(library), stack.GPU), "unable to find backend library for backend 'onnxruntime'"},
		"text for the official image":  {text(), written(triton.Stack(library), stack.GPU), "unable to find backend library for backend 'onnxruntime'"},
		"image for TensorRT":           {image(), written(triton.TensorRT(library), stack.GPU), "unable to find backend library for backend 'tensorrt'"},
		"text for TensorRT":            {text(), written(triton.TensorRT(library), stack.GPU), "unable to find backend library for backend 'onnxruntime'"},
		"a model without its files":    {image(), written(triton.Stack(library), stack.CPU), "no model at /models/resnet50: model.json is missing"},
		"an unknown datatype": {stack.Model{
			Name: "resnet50", Image: &stack.ImageSpec{},
			Graphs: []stack.Graph{{
				Name: stack.Whole, Precision: stack.FP32,
				Inputs:  []stack.TensorSpec{{Name: "x", Datatype: "FLOAT", Shape: []int64{-1, 3}}},
				Outputs: []stack.TensorSpec{{Name: "y", Datatype: "FP32", Shape: []int64{-1, 2}}},
			}},
		}, written(triton.Stack(library), stack.CPU), `Unknown enumeration value of "TYPE_FLOAT" for field "data_type"`},
	} {
		t.Run(name, func(t *testing.T) {
			models := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(models, c.model.Name), 0o755))
			s := real(t, models, c.model)
			s.Stack.Container.Files = c.files
			_, err := boot.Start(t.Context(), s)
			var f *boot.Failure
			require.ErrorAs(t, err, &f)
			require.Contains(t, f.What, "start triton: the server exited with code 1 after ")
			require.Contains(t, f.What, c.words)
			require.FileExists(t, f.LogFile)
		})
	}
}

func TestModelWithoutPreprocessing(t *testing.T) {
	_, err := triton.Stack(fstest.MapFS{}).Container.Files(stack.Run{Model: stack.Model{Name: "m", Graphs: []stack.Graph{{Name: stack.Whole, Precision: stack.FP32}}}})
	require.EqualError(t, err, "m takes neither pictures nor texts: there is no preprocessing for it")
}
