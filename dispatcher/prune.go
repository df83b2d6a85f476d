package dispatcher

import (
	"context"
	"time"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/status"
)

// PruneConnections forgets connections that are over.
func (m meshService) PruneConnections(
	ctx context.Context, req *meshv1.PruneConnectionsRequest,
) (*meshv1.PruneConnectionsResponse, error) {
	if err := m.authorize(ctx); err != nil {
		return nil, err
	}
	gone, err := m.conns.Prune(ctx, time.Duration(req.GetOlderThanNanos()), int(req.GetKeep()))
	if err != nil {
		return nil, status.Reauthor(err)
	}
	return &meshv1.PruneConnectionsResponse{Connections: gone}, nil
}
