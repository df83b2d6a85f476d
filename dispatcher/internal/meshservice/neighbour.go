package meshservice

import (
	"context"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// neighbour is all of MeshService that peers may ask over a link.
// A peer may be anybody who shares a namespace: it learns who is near, and cannot change or read anything else.
type neighbour struct {
	meshv1connect.UnimplementedMeshServiceHandler
	self string
	list func() []*collector.Connection
}

// NewNeighbour makes what peers may ask of the collector self: its own connections, which list answers.
func NewNeighbour(self string, list func() []*collector.Connection) meshv1connect.MeshServiceHandler {
	return neighbour{self: self, list: list}
}

// ListConnections answers a peer this collector's own connections and does not ask further.
func (n neighbour) ListConnections(_ context.Context, req *meshv1.ListConnectionsRequest) (*meshv1.ListConnectionsResponse, error) {
	return listConnections(n.self, n.list(), req)
}
