package conn

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// sessionKey finds the session of a control call in its context.
type sessionKey struct{}

// control is what peers may ask of the manager itself, over a link.
type control struct {
	collectorconnect.UnimplementedCollectiveDispatcherHandler
	meshv1connect.UnimplementedMeshServiceHandler
	m *Manager
}

func (m *Manager) newControl() *connect.Server {
	server := connect.NewServer()
	collectorconnect.RegisterCollectiveDispatcherHandler(server, control{m: m})
	meshv1connect.RegisterMeshServiceHandler(server, control{m: m})
	return server
}

func (c control) Connect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return c.m.HandleConnect(ctx, req)
}

func (c control) Disconnect(ctx context.Context, req *meshv1.DisconnectRequest) (*meshv1.DisconnectResponse, error) {
	return c.m.handleGoodbye(ctx, req)
}
