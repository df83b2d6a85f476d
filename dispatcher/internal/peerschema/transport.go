package peerschema

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
)

// Transport reaches the services of a peer itself, which are in no namespace.
type Transport struct{ Peer *conn.Peer }

// NewClientStream opens a call on the peer.
func (t Transport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	return t.Peer.Open(ctx, link.Call{Spec: spec})
}
