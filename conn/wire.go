package conn

import (
	"context"
	"errors"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
)

// What a connection's calls are carried by, see [Peer.Carrier].
const (
	// CarrierUpgrade is a link on an upgraded HTTP/1.1 connection: the rule.
	CarrierUpgrade = "upgrade"
	// CarrierRPC is a link in the messages of an RPC, where something on the way refuses the upgrade. It costs more CPU.
	CarrierRPC = "rpc"
	// CarrierSeed is the seed's protocol: each call a unary Serve over gRPC.
	CarrierSeed = "seed"
)

// line is what carries calls to a peer: a *session over a link, or a *seedLine.
type line interface {
	// open starts a call in a shared namespace or, in namespace "", of the peer's own services.
	open(ctx context.Context, call link.Call) (connect.ClientStream, error)
	// retire lets running calls finish, within ctx, and ends the line.
	retire(ctx context.Context)
	carrier() string
}

// wire leads from a peer of any table to the line that the connection has now. It is shared by all snapshots of one
// peer and lives as long as the connection.
type wire struct {
	current atomic.Pointer[line]
	tally   tally
}

func (w *wire) set(l line) { w.current.Store(&l) }

func (w *wire) clear() { w.current.Store(nil) }

// open uses the line of the moment. A line that was replaced between the look and the call has surely not sent
// anything, so its successor may be tried.
func (w *wire) open(ctx context.Context, p *Peer, call link.Call) (connect.ClientStream, error) {
	for {
		at := w.current.Load()
		if at == nil {
			return nil, errNoLink(p)
		}
		stream, err := (*at).open(ctx, call)
		if err == nil || !replaceable(err) || w.current.Load() == at {
			return stream, err
		}
	}
}

func replaceable(err error) bool {
	failed, ok := errors.AsType[*link.Error](err)
	return ok && !failed.Sent
}

// errNoLink is what a call gets when its peer has no line. It surely was not sent.
func errNoLink(p *Peer) error {
	cause := &link.Error{Reason: "there is no link"}
	reason := p.Reason
	if reason == "" {
		reason = "the link was lost just now"
	}
	return connect.Errorf(connect.CodeUnavailable, "collector %q cannot be reached: %s", p.ID, reason).WithCause(cause)
}

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
