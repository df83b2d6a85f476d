package dispatcher

import (
	"fmt"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/describe"
	"github.com/collectiverpc/collective/dispatcher/internal/health"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/meshservice"
	"github.com/collectiverpc/collective/dispatcher/internal/operators"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// ownServices are the services of the collector itself, on its port. They change only with the registry.
type ownServices struct {
	rpcs         collectorconnect.CollectiveDispatcherHandler
	mesh         *meshservice.Service
	operators    *operators.Service
	health       health.Config
	describer    *describe.Describer // whose reflection is served; nil for none
	types        *typeIndex
	port         *ingress.Port
	interceptors []connect.ServerInterceptor
	current      atomic.Pointer[ingress.Services]
}

// mount mounts them and those of a registry, which may be nil.
func (s *ownServices) mount(registry *validator) (*ingress.Services, error) {
	server := connect.NewServer(s.interceptors...)
	collectorconnect.RegisterCollectiveDispatcherHandler(server, s.rpcs)
	meshv1connect.RegisterMeshServiceHandler(server, s.mesh)
	meshv1connect.RegisterOperatorServiceHandler(server, s.operators)
	if err := health.Register(server, s.health); err != nil {
		return nil, err
	}
	if s.describer != nil {
		s.describer.RegisterReflection(server)
	}
	if registry != nil && registry.handler != nil {
		if err := callRegister(registry.handler.RegisterHandler, server); err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
	}
	return s.port.Mount(server, envelopeCodec{s.types}), nil
}

// replace serves those of another registry. Callers take turns.
func (s *ownServices) replace(registry *validator) error {
	next, err := s.mount(registry)
	if err != nil {
		return err
	}
	if old := s.current.Swap(next); old != nil {
		close(old.Replaced)
	}
	return nil
}
