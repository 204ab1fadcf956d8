package torchserve

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/torchserve/torchservepb"
)

func capture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../testdata/captures/torchserve", name))
	require.NoError(t, err)
	return b
}

// replay serves a captured answer.
func replay(t *testing.T, name string) *fake.HTTPServer {
	t.Helper()
	s, err := fake.Capture(capture(t, name))
	require.NoError(t, err)
	h, err := fake.HTTP(s)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

func jpeg() Input { return Input{JPEG: []byte{0xff, 0xd8, 0xff, 0xd9}} }

func ask(t *testing.T, name string, in Input) record.Reply {
	t.Helper()
	q, err := EncodeREST("resnet50", in)
	require.NoError(t, err)
	return http1.Fetch(t.Context(), replay(t, name).Addr(), q)
}

func TestEncodeREST(t *testing.T) {
	q, err := EncodeREST("a b", jpeg())
	require.NoError(t, err)
	require.Equal(t, http1.Request{Method: "POST", Path: "/predictions/a%20b", Header: []http1.Field{{Name: "Content-Type", Value: "image/jpeg"}}, Body: jpeg().JPEG}, q)
	q, err = EncodeREST("m", Input{Tensor: []float32{1, -2}})
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, q.Body)
	require.Equal(t, "application/octet-stream", q.Header[0].Value)
}

func TestEncodeGRPC(t *testing.T) {
	for name, in := range map[string]Input{"jpeg": jpeg(), "tensor": {Tensor: []float32{0}}} {
		b, err := EncodeGRPC("m", in)
		require.NoError(t, err)
		var got torchservepb.PredictionsRequest
		require.NoError(t, proto.Unmarshal(b, &got))
		require.Equal(t, "m", got.GetModelName())
		require.Len(t, got.GetInput(), 1)
		require.Len(t, got.GetInput()[name], 4)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for want, in := range map[string]Input{
		"3 bytes are not a JPEG file":  {JPEG: []byte("PNG")},
		"want a JPEG file or a tensor": {},
		"file or a tensor":             {JPEG: jpeg().JPEG, Tensor: []float32{1}},
	} {
		_, err := EncodeREST("m", in)
		require.ErrorContains(t, err, want)
		_, err = EncodeGRPC("m", in)
		require.ErrorContains(t, err, want)
	}
}

func TestRealAnswersToAJPEG(t *testing.T) {
	r := ask(t, "jpeg.http", jpeg())
	require.NoError(t, r.Err)
	body, err := PredictionREST(record.Answer{Head: r.Head, Body: r.Body})
	require.NoError(t, err)
	rest, err := DecodeTop(body)
	require.NoError(t, err)
	require.Equal(t, "resnet50", rest.Model)
	require.Equal(t, 750, rest.Top[0].Index)

	body, err = PredictionGRPC(record.Answer{Body: capture(t, "jpeg.pb")})
	require.NoError(t, err)
	grpc, err := DecodeTop(body)
	require.NoError(t, err)
	require.Equal(t, rest, grpc)
}

func TestRealAnswersToATensor(t *testing.T) {
	r := ask(t, "tensor.http", Input{Tensor: make([]float32, 3*224*224)})
	require.NoError(t, r.Err)
	rest, err := DecodeLogits(r.Body, 1, 1000)
	require.NoError(t, err)
	body, err := PredictionGRPC(record.Answer{Body: capture(t, "tensor.pb")})
	require.NoError(t, err)
	grpc, err := DecodeLogits(body, 1, 1000)
	require.NoError(t, err)
	require.Equal(t, rest, grpc)
	_, err = DecodeLogits(body, 2, 1000)
	require.ErrorContains(t, err, "4000 bytes, want 2 × 1000 float32")
}

// TestRealFailures: each is a failure of the request with its own kind.
func TestRealFailures(t *testing.T) {
	for name, code := range map[string]int{"queue-full.http": 503, "worker-died.http": 500, "unknown-model.http": 404, "no-jpeg.http": 400} {
		r := ask(t, name, jpeg())
		require.Equal(t, record.Status, r.Outcome, name)
		require.Equal(t, code, r.Code, name)
		require.Error(t, r.Err, name)
	}
}

// TestAnErrorOverGRPCIsNoAnswer: TorchServe calls it good.
func TestAnErrorOverGRPCIsNoAnswer(t *testing.T) {
	body, err := PredictionGRPC(record.Answer{Body: capture(t, "no-jpeg.pb")})
	require.NoError(t, err)
	_, err = DecodeTop(body)
	require.ErrorContains(t, err, `0 classes, not 5, in "{\"code\": 400`)
	_, err = DecodeLogits(body, 1, 1000)
	require.ErrorContains(t, err, `begins with "{\"code\": 400`)
	_, err = PredictionGRPC(record.Answer{Body: []byte("<html>")})
	require.ErrorContains(t, err, `not a PredictionResponse (it begins with "<html>")`)
}

func TestOverGRPC(t *testing.T) {
	g, err := fake.GRPC(fake.Calls{Message: capture(t, "jpeg.pb"), Fault: fake.Fault{Kind: fake.Drop, Every: 2}})
	require.NoError(t, err)
	defer g.Close()
	q, err := EncodeGRPC("resnet50", jpeg())
	require.NoError(t, err)
	target, err := NewGRPCTarget(g.Addr(), [][]byte{q})
	require.NoError(t, err)
	defer target.Close()
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	r := c.Do(t.Context(), 0)
	require.NoError(t, r.Err)
	body, err := PredictionGRPC(record.Answer{Body: r.Body})
	require.NoError(t, err)
	_, err = DecodeTop(body)
	require.NoError(t, err)
	require.Equal(t, record.Cut, c.Do(t.Context(), 1).Outcome)
}

// TestUnknownModelOverGRPC: as the real server says it.
func TestUnknownModelOverGRPC(t *testing.T) {
	g, err := fake.GRPC(fake.Calls{Code: codes.Internal, Error: "Model not found: nope\norg.pytorch.serve.archive.model.ModelNotFoundException"})
	require.NoError(t, err)
	defer g.Close()
	target, err := NewGRPCTarget(g.Addr(), [][]byte{{}})
	require.NoError(t, err)
	defer target.Close()
	c, err := target.Dial(t.Context())
	require.NoError(t, err)
	r := c.Do(t.Context(), 0)
	require.Equal(t, record.Status, r.Outcome)
	require.Equal(t, int(codes.Internal), r.Code)
	require.ErrorContains(t, r.Err, "Model not found")
}

func FuzzPrediction(f *testing.F) {
	for _, name := range []string{"jpeg.pb", "tensor.pb", "no-jpeg.pb"} {
		f.Add(capture(f, name))
	}
	f.Add([]byte{0x0a, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		body, err := PredictionGRPC(record.Answer{Body: b})
		if err != nil {
			return
		}
		if p, err := DecodeTop(body); err == nil {
			require.Len(t, p.Top, 5)
		}
		if rows, err := DecodeLogits(body, 1, 1000); err == nil {
			require.Len(t, rows[0], 1000)
			require.Equal(t, body, pack(rows[0]))
		}
	})
}
