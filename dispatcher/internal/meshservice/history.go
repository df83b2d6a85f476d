package meshservice

import (
	"context"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// ListDispatches answers finished calls that this collector saw.
// It answers from memory, or from disk where calls are written down.
func (s *Service) ListDispatches(ctx context.Context, req *meshv1.ListDispatchesRequest) (*meshv1.ListDispatchesResponse, error) {
	return s.Recorder.ListDispatches(ctx, req)
}

// ListConnectionChanges answers how connections got from one state to another.
func (s *Service) ListConnectionChanges(
	_ context.Context, req *meshv1.ListConnectionChangesRequest,
) (*meshv1.ListConnectionChangesResponse, error) {
	return s.Recorder.ListConnectionChanges(req), nil
}

// GetMetrics answers rates, errors and latencies over time.
func (s *Service) GetMetrics(_ context.Context, req *meshv1.GetMetricsRequest) (*meshv1.GetMetricsResponse, error) {
	return s.Recorder.GetMetrics(req), nil
}

// Watch sends what happens until the caller leaves.
// A caller that reads slowly loses calls and is told how many; it holds up nobody.
func (s *Service) Watch(
	ctx context.Context, req *meshv1.WatchRequest, stream meshv1connect.MeshServiceWatchServerStream,
) error {
	return s.Recorder.Watch(ctx, s.Access.OfContext(ctx).String(), req, s, stream.Send)
}

// Topology is the mesh as this collector knows it now.
// The recorder asks for it when a watch begins and after a change, see observe.
func (s *Service) Topology() *meshv1.Topology {
	status, _ := s.GetStatus(context.Background(), &meshv1.GetStatusRequest{}) // it has no way to fail
	return &meshv1.Topology{Status: status, Connections: s.Connections.ListConnections()}
}

// Changed is closed when the topology is another one.
// It is taken before Topology, so that no change is missed between the two.
func (s *Service) Changed() <-chan struct{} { return s.Connections.Changed() }
