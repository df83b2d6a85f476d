package conn

import (
	"context"
	"fmt"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/internal/lifetime"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// disconnector ends connections for good, because somebody here or the peer wants it.
type disconnector struct {
	dir        *directory
	agreements *agreements
	life       *lifetime.Lifetime
}

// disconnect is [Manager.Disconnect].
func (d *disconnector) disconnect(ctx context.Context, connectionID, reason string, failed bool) error {
	c, err := d.dir.byID(connectionID)
	if err != nil {
		return err
	}
	defer d.dir.drop(c)
	e := eventDisconnected
	if failed {
		e = eventRefused
	}
	ended, err := d.agreements.terminate(ctx, c, e, reason)
	if l, ok := ended.(*peerLink); ok {
		l.goodbye(d.life.Context(), c.id, reason)
	}
	retire(d.life, ended)
	return err
}

// takeGoodbye closes the connection of the link that the call came over, and no other.
func (d *disconnector) takeGoodbye(ctx context.Context, req *meshv1.DisconnectRequest) (*meshv1.DisconnectResponse, error) {
	ctx, end, err := d.life.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	l := linkOf(ctx)
	if l == nil || l.terms.Load() == nil || l.terms.Load().connectionID != req.GetConnectionId() {
		return nil, connect.NewError(connect.CodePermissionDenied, "a peer can only disconnect itself")
	}
	if l.terms.Load().consumer {
		retire(d.life, l)
		return new(meshv1.DisconnectResponse), nil
	}
	c, err := d.dir.byID(req.GetConnectionId())
	if err != nil {
		return nil, err
	}
	defer d.dir.drop(c)
	reason := fmt.Sprintf("disconnected by %s: %s", c.peer, printable(req.GetReason(), 200))
	if !l.final() {
		d.agreements.takeLeave(c, l, reason)
		return &meshv1.DisconnectResponse{Connection: d.dir.copyOf(c)}, nil
	}
	ended, err := d.agreements.terminate(ctx, c, eventDisconnected, reason)
	if err != nil {
		return nil, err
	}
	retire(d.life, ended) // once this very call is answered
	return &meshv1.DisconnectResponse{Connection: d.dir.copyOf(c)}, nil
}
