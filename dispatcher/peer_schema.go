package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// schemaService is all of MeshService that peers may ask over a link: what this collector serves looks like, and whom
// it is connected with.
type schemaService struct {
	meshv1connect.UnimplementedMeshServiceHandler
	self    string
	mesh    meshService
	schemas func() (*meshv1.GetDescriptorSetResponse, error)
}

// GetDescriptorSet answers this collector's own schemas and does not ask further.
func (s schemaService) GetDescriptorSet(
	_ context.Context, req *meshv1.GetDescriptorSetRequest,
) (*meshv1.GetDescriptorSetResponse, error) {
	if id := req.GetCollectorId(); id != "" && id != s.self {
		return nil, connect.NewError(connect.CodeInvalidArgument,
			"collector "+quoted(s.self)+" has its own schemas only; ask collector "+quoted(id)+" itself")
	}
	return s.schemas()
}

// peerSchemas asks a peer for its schemas.
func (d *Dispatcher) peerSchemas(ctx context.Context, id string) (*meshv1.GetDescriptorSetResponse, error) {
	peer, ok := d.conns.Table().Peer(id)
	if !ok {
		return nil, connect.NewError(connect.CodeNotFound,
			"collector "+quoted(d.id)+" has no connection with a collector "+quoted(id)+"; ListConnections names those it has")
	}
	client := meshv1connect.NewMeshServiceClient(connect.NewClient(peerTransport{peer}))
	res, err := client.GetDescriptorSet(ctx, &meshv1.GetDescriptorSetRequest{CollectorId: id})
	if err != nil {
		return nil, reauthor(err)
	}
	return res, nil
}

// peerTransport reaches the services of a peer itself, which are in no namespace.
type peerTransport struct{ peer *conn.Peer }

// NewClientStream opens a call on the peer.
func (t peerTransport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	return t.peer.Open(ctx, link.Call{Spec: spec})
}
