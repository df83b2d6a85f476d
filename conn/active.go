package conn

import (
	"cmp"
	"context"
	"slices"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

// ActiveConnection is a connection that is up.
type ActiveConnection struct {
	// ConnectionID is that of [ConnectionID].
	ConnectionID string
	// Client calls the peer's own dispatcher service, over whatever link the connection has at the time of the call.
	// It is nil for a peer that cannot be called, see [Peer.OneWay].
	Client collectorconnect.CollectiveDispatcherClient
	// LastActivity is when the last call crossed, to the second; before the first call, when the connection was agreed.
	LastActivity time.Time
	// IsInitiator tells that this collector dialled the connection.
	IsInitiator bool
	// Connection is a copy of the record.
	Connection *collector.Connection
	// Peer is the other side, as it was when the connection was looked up.
	Peer *Peer
}

// list returns copies of all records, the last changed first.
func (d *directory) list() []*collector.Connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	conns := d.known()
	slices.SortFunc(conns, func(a, b *connection) int { return cmp.Compare(b.put, a.put) })
	list := make([]*collector.Connection, 0, len(conns))
	for _, c := range conns {
		list = append(list, c.view())
	}
	return list
}

// listActive returns the connections that are up, by collector id.
func (d *directory) listActive() []*ActiveConnection {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []*ActiveConnection
	for _, c := range d.known() {
		if routable(c.state()) {
			list = append(list, activeOf(c))
		}
	}
	slices.SortFunc(list, func(a, b *ActiveConnection) int { return cmp.Compare(a.Peer.ID, b.Peer.ID) })
	return list
}

// active returns the connection with an id, if it is up.
func (d *directory) active(connectionID string) (*ActiveConnection, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.ids[connectionID]
	if !ok || !routable(c.state()) {
		return nil, false
	}
	return activeOf(c), true
}

// client is a client of the collector at an address, if there is a link to it.
func (d *directory) client(address string) (collectorconnect.CollectiveDispatcherClient, bool) {
	for _, p := range d.table.Load().Peers() {
		if p.Address == address && p.linked() {
			return p.dispatcher(), true
		}
	}
	return nil, false
}

// activeOf is a connection as an ActiveConnection. The state lock is held.
func activeOf(c *connection) *ActiveConnection {
	a := &ActiveConnection{
		ConnectionID: c.id,
		LastActivity: c.lastUse(),
		IsInitiator:  c.record.GetIsInitiator(),
		Connection:   c.view(),
		Peer:         c.peerView(),
	}
	if a.Peer.linked() {
		a.Client = a.Peer.dispatcher()
	}
	return a
}

// dispatcher calls the peer's own services by Open.
func (p *Peer) dispatcher() collectorconnect.CollectiveDispatcherClient {
	return collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(ownServices{p}))
}

type ownServices struct{ peer *Peer }

func (t ownServices) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	return t.peer.Open(ctx, link.Call{Spec: spec})
}
