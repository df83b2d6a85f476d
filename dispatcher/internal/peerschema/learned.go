package peerschema

import (
	"context"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// learnPatience is how long somebody who asks for a peer's schemas waits for those that are on their way.
const learnPatience = 2 * time.Second

// Learned waits, for a moment only, until the schemas that a peer has announced are known or refused.
// It looks again whenever something is learned, and holds no lock meanwhile. The error says whether waiting can help: a peer
// that is not there is not found, one that is slow is unavailable.
func (l *Learner) Learned(ctx context.Context, id string) (*conn.Peer, *Known, error) {
	ctx, cancel := context.WithTimeout(ctx, learnPatience)
	defer cancel()
	for {
		known := l.known.Load()
		peer, ok := l.peers.Table().Peer(id)
		if !ok {
			return nil, nil, connect.NewError(connect.CodeNotFound,
				"collector "+refusal.Quoted(l.self)+" has no connection with a collector "+refusal.Quoted(id)+"; ListConnections names those it has")
		}
		if !keepsSchemas(peer) {
			return nil, nil, connect.NewError(connect.CodeUnavailable, "the schemas of collector "+refusal.Quoted(id)+
				" are not known: it speaks the seed's protocol, or its connection is over; its connection is "+conn.StateName(peer.State))
		}
		if known.Complete(peer) {
			return peer, known, nil
		}
		select {
		case <-known.Replaced:
		case <-ctx.Done():
			return nil, nil, connect.NewError(connect.CodeUnavailable,
				"the schemas of collector "+refusal.Quoted(id)+" are not known yet; its connection is "+conn.StateName(peer.State))
		}
	}
}
