package conn

import (
	"context"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/internal/seed"
	"github.com/collectiverpc/collective/conn/link"
)

// What a connection's calls are carried by, see [Peer.Carrier].
const (
	// CarrierUpgrade is a link on an upgraded HTTP/1.1 connection: the rule.
	CarrierUpgrade = "upgrade"
	// CarrierRPC is a link in the messages of an RPC, where something on the way refuses the upgrade. It costs more CPU.
	CarrierRPC = "rpc"
	// CarrierSeed is the seed's protocol: each call a unary Serve over gRPC.
	CarrierSeed = seed.Carrier
)

// peerPath is what carries calls to a peer: a *peerLink or, to a seed peer, a *seed.Path.
type peerPath interface {
	// Open starts a call in a shared namespace or, in namespace "", of the peer's own services.
	Open(ctx context.Context, call link.Call) (connect.ClientStream, error)
	// Retire lets running calls finish, within ctx, and ends the path.
	Retire(ctx context.Context)
	// Carrier is the word for what carries the calls.
	Carrier() string
	// RTT is the round trip of the last ping; 0 if it is unknown.
	RTT() time.Duration
}

// retire ends a path, if there is one, in the background, once its calls have ended.
func retire(life *lifetime.Lifetime, path peerPath) { retireWithin(life, path, drainTimeout) }

// retireWithin is retire with another limit for the calls.
func retireWithin(life *lifetime.Lifetime, path peerPath, limit time.Duration) {
	if path == nil {
		return
	}
	life.Spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		path.Retire(ctx)
	})
}

// currentPath leads from a peer of any table to the path that the connection has now. It is shared by all snapshots of
// one peer and lives as long as the connection.
type currentPath struct {
	at    atomic.Pointer[peerPath]
	tally tally
}

func (c *currentPath) set(path peerPath) { c.at.Store(&path) }

func (c *currentPath) clear() { c.at.Store(nil) }

// tally counts what a connection carried since this process knows it.
type tally struct{ requests, failures, sent, received atomic.Int64 }

func (t *tally) add(sent, received int64) {
	t.requests.Add(1)
	t.sent.Add(sent)
	t.received.Add(received)
}

// since returns what was carried beyond a former total.
func (t *tally) since(former Counters) Counters {
	return Counters{
		ConnectionID:  former.ConnectionID,
		Requests:      t.requests.Load() - former.Requests,
		Errors:        t.failures.Load() - former.Errors,
		BytesSent:     t.sent.Load() - former.BytesSent,
		BytesReceived: t.received.Load() - former.BytesReceived,
	}
}
