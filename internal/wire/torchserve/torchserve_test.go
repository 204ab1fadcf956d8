package torchserve_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"stackbench/internal/fake"
	"stackbench/internal/record"
	"stackbench/internal/wire/http1"
	"stackbench/internal/wire/torchserve"
	"stackbench/internal/wire/torchserve/torchservepb"
)

// replay serves a recorded reply of a real TorchServe to every request.
func replay(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("../../../testdata/captures/torchserve/" + name)
	require.NoError(t, err)
	script, err := fake.Capture(raw)
	require.NoError(t, err)
	f, err := fake.HTTP(script)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f.Addr()
}

func ask(t *testing.T, addr string) record.Reply {
	t.Helper()
	r, err := torchserve.EncodeREST("efficientnet-lite0", []byte{0xff, 0xd8, 0xff, 0xd9})
	require.NoError(t, err)
	require.Equal(t, "/predictions/efficientnet-lite0", r.Path)
	require.Equal(t, []http1.Field{{Name: "Content-Type", Value: "image/jpeg"}}, r.Header, "without it the body is a form")
	return http1.Fetch(t.Context(), addr, r)
}

func TestRecordedAnswer(t *testing.T) {
	reply := ask(t, replay(t, "predict.http"))
	require.Equal(t, record.Good, reply.Outcome)
	p, err := torchserve.DecodeREST(record.Answer{Head: reply.Head, Body: reply.Body})
	require.NoError(t, err)
	require.Equal(t, "efficientnet-lite0", p.Model)
	require.Len(t, p.Top, 5)

	m, err := proto.Marshal(&torchservepb.PredictionResponse{Prediction: reply.Body})
	require.NoError(t, err)
	over, err := torchserve.DecodeGRPC(record.Answer{Body: m})
	require.NoError(t, err)
	require.Equal(t, p, over, "gRPC carries the same bytes")
}

func TestRecordedErrors(t *testing.T) {
	for name, code := range map[string]int{"unknown-model.http": 404, "not-a-jpeg.http": 400} {
		reply := ask(t, replay(t, name))
		require.Equal(t, record.Status, reply.Outcome, name)
		require.Equal(t, code, reply.Code, name)
	}
}

func TestReadyIsTheWorkersState(t *testing.T) {
	require.NoError(t, torchserve.Ready(t.Context(), replay(t, "model.http"), "efficientnet-lite0"))
	require.ErrorContains(t, torchserve.Ready(t.Context(), replay(t, "ping.http"), "m"), "the description of the model is not TorchServe's")
	require.ErrorContains(t, torchserve.Ready(t.Context(), replay(t, "unknown-model.http"), "m"), "status")
	for body, want := range map[string]string{
		`[{"workers":[{"id":"9000","status":"READY"},{"id":"9001","status":"UNLOADING"}]}]`: "worker 9001 is UNLOADING",
		`[{"workers":[]}]`: "the model has no worker",
		`[]`:               "the model has no worker",
	} {
		f, err := fake.HTTP(fake.Script{Body: []byte(body)})
		require.NoError(t, err)
		require.EqualError(t, torchserve.Ready(t.Context(), f.Addr(), "m"), want)
		require.NoError(t, f.Close())
	}
}

func TestEncodeGRPC(t *testing.T) {
	jpeg := []byte{0xff, 0xd8, 0xff, 0xd9}
	b, err := torchserve.EncodeGRPC("m", jpeg)
	require.NoError(t, err)
	var m torchservepb.PredictionsRequest
	require.NoError(t, proto.Unmarshal(b, &m))
	require.Equal(t, "m", m.GetModelName())
	require.Equal(t, map[string][]byte{"data": jpeg}, m.GetInput())
	_, err = torchserve.EncodeGRPC("m", []byte("PNG"))
	require.ErrorContains(t, err, "not a JPEG")
}

func FuzzDecodeGRPC(f *testing.F) {
	f.Add([]byte{0x0a, 0x02, '{', '}'})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := torchserve.DecodeGRPC(record.Answer{Body: b})
		if err == nil {
			require.Len(t, p.Top, 5)
		}
	})
}
