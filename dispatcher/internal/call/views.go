package call

import (
	"context"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// Views has the view of the moment. It is joined anew by whoever finds it out of date.
type Views struct {
	Self       string
	Namespaces []string
	Sources    func() Sources
	Changed    func() <-chan struct{} // closed at the next change of the peers
	joined     atomic.Pointer[joined]
	joining    sync.Mutex
	// expected is closed and gone when calls need not wait any more for peers of earlier runs; nil if they do not.
	expected atomic.Pointer[chan struct{}]
}

// Sources is what a view follows from. Each part is replaced as a whole when it changes.
type Sources struct {
	Local   *hosted.Snapshot
	Table   *conn.Table
	Schemas routing.Schemas
}

// joined is a view with what it was made from.
type joined struct {
	view *routing.View
	from Sources
}

// Now is what routing may look at now.
// It takes no lock while nothing changed, which is nearly always.
func (s *Views) Now() *routing.View {
	if j := s.joined.Load(); j != nil && j.from == s.Sources() {
		return j.view
	}
	return s.rejoin()
}

// rejoin joins the view once, however many calls find it out of date at the same time. A change that comes meanwhile makes
// the new view out of date for the next call.
func (s *Views) rejoin() *routing.View {
	s.joining.Lock()
	defer s.joining.Unlock()
	from := s.Sources()
	old := s.joined.Load()
	if old != nil && old.from == from {
		return old.view
	}
	in := routing.Inputs{Self: s.Self, Namespaces: s.Namespaces, Local: from.Local, Peers: peersOf(from.Table), Schemas: from.Schemas}
	if old != nil {
		in.Before = old.view
	}
	next := &joined{view: routing.Join(in), from: from}
	s.joined.Store(next)
	return next.view
}

// peersOf is the peers of a table as routing sees them.
// A peer without a catalog gets none: an interface that holds a nil one would not be nil.
func peersOf(table *conn.Table) []*routing.Peer {
	peers := make([]*routing.Peer, 0, len(table.Peers()))
	for _, p := range table.Peers() {
		peer := &routing.Peer{
			ID: p.ID, Address: p.Address, Dialed: p.Dialed,
			State: p.State, Condition: conn.StateName(p.State), Reason: p.Reason,
			Shared: p.Shared, Seed: p.Seed, Silent: p.Silent, Routable: p.Routable(), Entrance: p.Entrance, Conn: peerConn{p},
		}
		if p.Catalog != nil {
			peer.Catalog = p.Catalog
		}
		peers = append(peers, peer)
	}
	return peers
}

// peerConn is the connection to a peer as calls use it.
type peerConn struct{ *conn.Peer }

func (p peerConn) Open(ctx context.Context, namespace, codec string, spec connect.Spec) (connect.ClientStream, error) {
	return p.Peer.Open(ctx, link.Call{Namespace: namespace, Codec: codec, Spec: spec})
}

// Expect lets calls wait for peers of earlier runs, see [Views.Until], and returns what ends that. It returns nil if they wait already.
func (s *Views) Expect() (end func()) {
	open := make(chan struct{})
	if !s.expected.CompareAndSwap(nil, &open) {
		return nil
	}
	return func() {
		s.expected.Store(nil)
		close(open)
	}
}

// Until is the view by which a call is decided: that of now or, while peers of earlier runs are expected back, the first one in
// which the call is not refused for want of them. refused says why it is refused in a view; nil if it is not.
func (s *Views) Until(ctx context.Context, refused func(*routing.View) *refusal.Refusal) *routing.View {
	for {
		open := s.expected.Load()
		if open == nil {
			return s.Now()
		}
		changed := s.Changed()
		v := s.Now()
		if !refused(v).MayPass() {
			return v
		}
		select {
		case <-changed:
		case <-*open:
		case <-ctx.Done():
			return v
		}
	}
}
