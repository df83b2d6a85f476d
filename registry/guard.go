package registry

import (
	"context"

	"connectrpc.com/connect/v2"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

// RegisterHandler puts the CollectorRegistry service on a server. Everyone may ask it; for who may register see
// [WithRegistrar].
func (r *Registry) RegisterHandler(server *connect.Server) {
	collectorconnect.RegisterCollectorRegistryHandler(server, guarded{r, r.authorize})
}

// guarded is the registry as it is served: everyone may ask, not everyone may register.
type guarded struct {
	*Registry
	authorize func(context.Context) error
}

// RegisterProto is that of the registry for those who may.
func (g guarded) RegisterProto(
	ctx context.Context, req *collector.RegisterProtoRequest,
) (*collector.RegisterProtoResponse, error) {
	if err := g.authorize(ctx); err != nil {
		return nil, err
	}
	return g.Registry.RegisterProto(ctx, req)
}

// RegisterService is that of the registry for those who may.
func (g guarded) RegisterService(
	ctx context.Context, req *collector.RegisterServiceRequest,
) (*collector.RegisterServiceResponse, error) {
	if err := g.authorize(ctx); err != nil {
		return nil, err
	}
	return g.Registry.RegisterService(ctx, req)
}

// UnregisterService is that of the registry for those who may.
func (g guarded) UnregisterService(
	ctx context.Context, req *collector.UnregisterServiceRequest,
) (*collector.UnregisterServiceResponse, error) {
	if err := g.authorize(ctx); err != nil {
		return nil, err
	}
	return g.Registry.UnregisterService(ctx, req)
}
