package call

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/rest"
)

// Views has the view of the moment. It is joined anew when somebody finds it out of date. Its exported fields are set before
// the first call and never after; it is safe for concurrent use.
type Views struct {
	Self       string
	Zone       string // where this collector runs; empty if it does not say
	Namespaces []string
	Tracker    *endpoint.Tracker // of what is known of peers
	Sources    func() Sources
	Changed    func() <-chan struct{} // closed at the next change of the peers
	// Grants says whether a collector may serve in a namespace; nil for always. It is asked again with each [Sources.Policy].
	Grants  func(collector, namespace string) bool
	joined  atomic.Pointer[joined]
	joining sync.Mutex
	behind  atomic.Bool  // a view is being joined in the background
	urgent  atomic.Int32 // how many wait for a view
	// expected is closed and gone when calls need not wait any more for peers of earlier runs; nil if they do not.
	expected atomic.Pointer[chan struct{}]
}

// Sources is what a view follows from. Each part is replaced as a whole when it changes.
type Sources struct {
	Local   *hosted.Snapshot
	Table   *conn.Table
	Schemas routing.Schemas
	Policy  uint64 // the revision of what Grants goes by
}

// joined is a view with what it was made from.
type joined struct {
	view  *routing.View
	from  Sources
	peers map[*conn.Peer]*routing.Peer // as routing sees them, by what they were made from
}

// joinInline is up to how many methods of peers a view is joined by the call that finds it out of date: it takes about two
// milliseconds. More, as a hostile peer may announce all the time, are joined in the background.
const joinInline = 2000

// Now is what routing may look at now. It may be a moment old while there are more than joinInline methods of peers: then
// no call waits for what a peer announces. What is registered here is always in it.
// It takes no lock while nothing changed, which is nearly always.
func (s *Views) Now() *routing.View {
	v, _ := s.now()
	return v
}

// now tells also whether the view is out of date, and another one is being joined.
func (s *Views) now() (v *routing.View, old bool) {
	from := s.Sources()
	j := s.joined.Load()
	switch {
	case j != nil && j.from == from:
		return j.view, false
	case j == nil || j.from.Local != from.Local || methodsOf(from.Table) <= joinInline:
		return s.rejoin(nil), false
	}
	s.rejoinSoon()
	return j.view, true
}

func methodsOf(table *conn.Table) (count int) {
	for _, p := range table.Peers() {
		count += p.Catalog.Len()
	}
	return count
}

// rejoinSoon joins the view in the background, unless somebody does already. A change that comes meanwhile is found by the
// next call.
func (s *Views) rejoinSoon() {
	if !s.behind.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.behind.Store(false)
		s.rejoin(&rest.Work{Urgent: func() bool { return s.urgent.Load() > 0 }})
	}()
}

// rejoin joins the view once, however many find it out of date at the same time. A change that comes meanwhile makes the new
// view out of date for the next call. work rests, unless somebody else waits; nil for who waits.
func (s *Views) rejoin(work *rest.Work) *routing.View {
	if work == nil {
		s.urgent.Add(1)
		defer s.urgent.Add(-1)
	}
	s.joining.Lock()
	defer s.joining.Unlock()
	from := s.Sources()
	old := s.joined.Load()
	if old != nil && old.from == from {
		return old.view
	}
	if old == nil {
		old = new(joined)
	}
	known := old.peers
	if old.from.Policy != from.Policy {
		known = nil
	}
	next := &joined{from: from, peers: s.peersOf(from.Table, known)}
	next.view = routing.Join(routing.Inputs{
		Self: s.Self, Zone: s.Zone, Tracker: s.Tracker, Namespaces: s.Namespaces, Local: from.Local, Peers: slices.Collect(maps.Values(next.peers)), Schemas: from.Schemas,
		Before: old.view, Work: work,
	})
	s.joined.Store(next)
	return next.view
}

// peersOf is the peers of a table as routing sees them. Those that were seen before stay the same memory, by which routing
// knows that nothing has changed.
func (s *Views) peersOf(table *conn.Table, before map[*conn.Peer]*routing.Peer) map[*conn.Peer]*routing.Peer {
	peers := make(map[*conn.Peer]*routing.Peer, len(table.Peers()))
	for _, p := range table.Peers() {
		if peers[p] = before[p]; peers[p] == nil {
			peers[p] = s.peerOf(p)
		}
	}
	return peers
}

// peerOf leaves the catalog out of a peer without one: an interface that holds a nil one would not be nil.
func (s *Views) peerOf(p *conn.Peer) *routing.Peer {
	peer := &routing.Peer{
		ID: p.ID, Address: p.Address, Dialed: p.Dialed, Proven: p.Proven(),
		State: p.State, Condition: conn.StateName(p.State), Reason: p.Reason,
		Shared: p.Shared, Seed: p.Seed, Silent: p.Silent, Routable: p.Routable(), Entrance: p.Entrance, Conn: peerConn{p},
	}
	if p.Catalog != nil {
		peer.Catalog = p.Catalog
	}
	if s.Grants != nil {
		denied := func(namespace string) bool { return !s.Grants(p.ID, namespace) }
		peer.Shared = slices.DeleteFunc(slices.Clone(p.Shared), denied)
		peer.Denied = slices.DeleteFunc(slices.Clone(p.Shared), func(namespace string) bool { return !denied(namespace) })
	}
	return peer
}

// peerConn is the connection to a peer as calls use it.
type peerConn struct{ *conn.Peer }

func (p peerConn) Open(ctx context.Context, namespace, codec, caller string, spec connect.Spec) (connect.ClientStream, error) {
	return p.Peer.Open(ctx, link.Call{Namespace: namespace, Codec: codec, Spec: spec, Caller: caller})
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

// Until is the view by which a call is decided: that of now, unless the call is refused by one that is out of date or, while
// peers of earlier runs are expected back, for want of them. Then it is the first one in which it is not. refused says why it
// is refused in a view; nil if it is not.
func (s *Views) Until(ctx context.Context, refused func(*routing.View) *refusal.Refusal) *routing.View {
	for {
		open := s.expected.Load()
		if open == nil {
			return s.settled(refused)
		}
		changed := s.Changed()
		v := s.settled(refused)
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

// settled is the view of now, up to date if the call would be refused by one that is not.
func (s *Views) settled(refused func(*routing.View) *refusal.Refusal) *routing.View {
	v, old := s.now()
	if old && refused(v) != nil {
		return s.rejoin(nil)
	}
	return v
}
