package registry

import (
	"context"

	"connectrpc.com/connect/v2"

	collector "github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/origin"
)

// guarded is the registry as it is served: everyone may ask, not everyone may register.
type guarded struct {
	*Registry
	authorize func(context.Context) error
}

func (g guarded) RegisterProto(
	ctx context.Context, req *collector.RegisterProtoRequest,
) (*collector.RegisterProtoResponse, error) {
	if err := g.authorize(ctx); err != nil {
		return nil, err
	}
	return g.Registry.RegisterProto(ctx, req)
}

func (g guarded) RegisterService(
	ctx context.Context, req *collector.RegisterServiceRequest,
) (*collector.RegisterServiceResponse, error) {
	if err := g.authorize(ctx); err != nil {
		return nil, err
	}
	return g.Registry.RegisterService(ctx, req)
}

func fromThisMachine(ctx context.Context) error {
	if origin.ThisMachine(ctx) {
		return nil
	}
	return connect.NewError(connect.CodePermissionDenied,
		"schemas are registered from the collector's own machine only; register there, or start it with an authorisation")
}
