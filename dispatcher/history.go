package dispatcher

import (
	"context"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// ListDispatches answers finished calls that this collector saw.
func (m meshService) ListDispatches(ctx context.Context, req *meshv1.ListDispatchesRequest) (*meshv1.ListDispatchesResponse, error) {
	return m.recorder.ListDispatches(ctx, req)
}

// ListConnectionChanges answers how connections got from one state to another.
func (m meshService) ListConnectionChanges(
	_ context.Context, req *meshv1.ListConnectionChangesRequest,
) (*meshv1.ListConnectionChangesResponse, error) {
	return m.recorder.ListConnectionChanges(req), nil
}

// GetMetrics answers rates, errors and latencies over time.
func (m meshService) GetMetrics(_ context.Context, req *meshv1.GetMetricsRequest) (*meshv1.GetMetricsResponse, error) {
	return m.recorder.GetMetrics(req), nil
}

// Watch sends what happens until the caller leaves.
func (m meshService) Watch(
	ctx context.Context, req *meshv1.WatchRequest, stream meshv1connect.MeshServiceWatchServerStream,
) error {
	return m.recorder.Watch(ctx, req, m, stream.Send)
}

// Topology is the mesh as this collector knows it now.
func (m meshService) Topology() *meshv1.Topology {
	status, _ := m.GetStatus(context.Background(), &meshv1.GetStatusRequest{}) // it has no way to fail
	return &meshv1.Topology{Status: status, Connections: m.conns.ListConnections()}
}

// Changed is closed when the topology is another one.
func (m meshService) Changed() <-chan struct{} { return m.conns.Changed() }
