// Package rpc serves a model over gRPC: the Open Inference Protocol v2 and the
// standard health service.
package rpc

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"stackbench/internal/oippb"
	"stackbench/stacks/embedded/internal/fault"
	"stackbench/stacks/embedded/internal/metrics"
	"stackbench/stacks/embedded/internal/oip"
	"stackbench/stacks/embedded/internal/service"
	"stackbench/stacks/embedded/internal/store"
)

const (
	// maxMessage is the largest message either way, as over HTTP.
	maxMessage = 256 << 20
	// window lets a tensor request (a 224-pixel image is 600 kB) come in
	// without waiting for window updates; grpc's default is 64 kB.
	window = 4 << 20
)

// API is the gRPC side of a server. It answers from the start, and says that
// the model is not ready until Ready is called.
type API struct {
	oippb.UnimplementedGRPCInferenceServiceServer
	Server  *grpc.Server
	health  *health.Server
	name    string
	metrics *metrics.Metrics
	service atomic.Pointer[service.Served]
}

// New returns an API without a service behind it; name is what the server
// calls itself.
func New(name string, m *metrics.Metrics) *API {
	a := &API{name: name, metrics: m, health: health.NewServer()}
	a.Server = grpc.NewServer(
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(4*window),
	)
	oippb.RegisterGRPCInferenceServiceServer(a.Server, a)
	grpc_health_v1.RegisterHealthServer(a.Server, a.health)
	a.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	return a
}

// Ready puts the service behind the API.
func (a *API) Ready(s service.Served) {
	a.service.Store(&s)
	a.health.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
}

// Stop says NOT_SERVING, lets the calls under way finish for at most the
// limit, and ends the server.
func (a *API) Stop(limit time.Duration) {
	a.health.Shutdown()
	timer := time.AfterFunc(limit, a.Server.Stop)
	defer timer.Stop()
	a.Server.GracefulStop()
}

func (a *API) current() (service.Served, error) {
	if s := a.service.Load(); s != nil {
		return *s, nil
	}
	return nil, fault.New(fault.NotReady, "the model is still loading")
}

// ServerLive answers whether the process is up.
func (a *API) ServerLive(context.Context, *oippb.ServerLiveRequest) (*oippb.ServerLiveResponse, error) {
	return &oippb.ServerLiveResponse{Live: true}, nil
}

// ServerReady answers whether the model is loaded.
func (a *API) ServerReady(context.Context, *oippb.ServerReadyRequest) (*oippb.ServerReadyResponse, error) {
	return &oippb.ServerReadyResponse{Ready: a.service.Load() != nil}, nil
}

// ServerMetadata names the server.
func (a *API) ServerMetadata(context.Context, *oippb.ServerMetadataRequest) (*oippb.ServerMetadataResponse, error) {
	return &oippb.ServerMetadataResponse{Name: a.name, Version: oip.Version, Extensions: []string{"binary_tensor_data"}}, nil
}

// ModelReady answers whether a served name can be used; an unknown one is an error.
func (a *API) ModelReady(_ context.Context, r *oippb.ModelReadyRequest) (*oippb.ModelReadyResponse, error) {
	if a.service.Load() == nil {
		return &oippb.ModelReadyResponse{}, nil
	}
	if _, _, err := a.find(r.Name, r.Version); err != nil {
		return nil, toStatus(err)
	}
	return &oippb.ModelReadyResponse{Ready: true}, nil
}

// ModelMetadata tells the inputs and outputs of a served name.
func (a *API) ModelMetadata(_ context.Context, r *oippb.ModelMetadataRequest) (*oippb.ModelMetadataResponse, error) {
	_, spec, err := a.find(r.Name, r.Version)
	if err != nil {
		return nil, toStatus(err)
	}
	return &oippb.ModelMetadataResponse{
		Name: spec.Name, Versions: []string{oip.Version}, Platform: service.Platform,
		Inputs: ports(spec.Inputs), Outputs: ports(spec.Outputs),
	}, nil
}

func ports(list []store.Port) []*oippb.ModelMetadataResponse_TensorMetadata {
	out := make([]*oippb.ModelMetadataResponse_TensorMetadata, len(list))
	for i, p := range list {
		out[i] = &oippb.ModelMetadataResponse_TensorMetadata{Name: p.Name, Datatype: string(p.Type), Shape: p.Shape}
	}
	return out
}

// find returns the service and the spec of a name; every model has one version.
func (a *API) find(name, version string) (service.Served, service.Spec, error) {
	s, err := a.current()
	if err != nil {
		return nil, service.Spec{}, err
	}
	if version != "" && version != oip.Version {
		return nil, service.Spec{}, fault.New(fault.Unknown, "unknown version %q: every model here has the version %s", version, oip.Version)
	}
	spec, err := service.Find(s, name)
	return s, spec, err
}

// toStatus turns an error into a gRPC status of the code that its kind has.
func toStatus(err error) error {
	code := codes.Internal
	switch fault.KindOf(err) {
	case fault.Invalid:
		code = codes.InvalidArgument
	case fault.Unknown:
		code = codes.NotFound
	case fault.TooLarge, fault.Full:
		code = codes.ResourceExhausted
	case fault.NotReady:
		code = codes.Unavailable
	case fault.Gone:
		code = codes.Canceled
	}
	return status.Error(code, err.Error())
}
