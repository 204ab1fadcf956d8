package fake

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const infer = "/inference.GRPCInferenceService/ModelInfer"

func startGRPC(t *testing.T, c Calls) (*GRPCServer, func(ctx context.Context, method string) ([]byte, error)) {
	t.Helper()
	g, err := GRPC(c)
	require.NoError(t, err)
	conn, err := grpc.NewClient(g.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{})))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, conn.Close())
		require.NoError(t, g.Close())
	})
	return g, func(ctx context.Context, method string) ([]byte, error) {
		in, out := []byte{1, 2, 3}, []byte(nil)
		err := conn.Invoke(ctx, method, &in, &out)
		return out, err
	}
}

func TestGRPCAnswers(t *testing.T) {
	g, call := startGRPC(t, Calls{Message: []byte("hello"), Delay: time.Millisecond})
	out, err := call(t.Context(), infer)
	require.NoError(t, err)
	require.Equal(t, []byte("hello"), out)
	out, err = call(t.Context(), "/inference.GRPCInferenceService/ServerReady")
	require.NoError(t, err)
	require.Equal(t, []byte{8, 1}, out)
	require.Len(t, g.Arrivals(), 1)
}

func TestGRPCFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		calls Calls
		want  codes.Code
	}{
		{"code", Calls{Code: codes.ResourceExhausted, Error: "queue full"}, codes.ResourceExhausted},
		{"drop", Calls{Fault: Fault{Kind: Drop}}, codes.Unavailable},
		{"silent", Calls{Fault: Fault{Kind: Silent}}, codes.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, call := startGRPC(t, c.calls)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			if c.want != codes.DeadlineExceeded {
				cancel()
				ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
			}
			defer cancel()
			_, err := call(ctx, infer)
			require.Equal(t, c.want, status.Code(err), "%v", err)
		})
	}
}

func TestChildServesBothKinds(t *testing.T) {
	for name, o := range map[string]Order{
		"http": {HTTP: &Script{Body: []byte("hello")}, CPU: 0},
		"grpc": {GRPC: &Calls{Message: []byte("hello")}, CPU: -1},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Spawn(o)
			require.NoError(t, err)
			before := time.Now()
			if o.HTTP != nil {
				r, err := client(t).Get("http://" + c.Addr())
				require.NoError(t, err)
				require.NoError(t, r.Body.Close())
			} else {
				conn, err := grpc.NewClient(c.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()),
					grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{})))
				require.NoError(t, err)
				in, out := []byte{1}, []byte(nil)
				require.NoError(t, conn.Invoke(t.Context(), infer, &in, &out))
				require.Equal(t, []byte("hello"), out)
				require.NoError(t, conn.Close())
			}
			at, err := c.Arrivals()
			require.NoError(t, err)
			require.Len(t, at, 1)
			require.WithinDuration(t, before, at[0], time.Minute)
			require.NoError(t, c.Close())
		})
	}
}

func TestChildRefusesAnOrderOfNothing(t *testing.T) {
	_, err := Spawn(Order{CPU: -1})
	require.ErrorContains(t, err, "start fake child")
}
