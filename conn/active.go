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

// ListConnections returns copies of all records, those of dead connections and of earlier runs included, the last
// changed first.
func (m *Manager) ListConnections() []*collector.Connection {
	m.mu.Lock()
	defer m.mu.Unlock()
	conns := m.known()
	slices.SortFunc(conns, func(a, b *connection) int { return cmp.Compare(b.put, a.put) })
	list := make([]*collector.Connection, 0, len(conns))
	for _, c := range conns {
		list = append(list, c.view())
	}
	return list
}

// ListActiveConnections returns the connections that are up, by collector id.
func (m *Manager) ListActiveConnections() []*ActiveConnection {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*ActiveConnection
	for _, c := range m.known() {
		if routable(c.state()) {
			list = append(list, c.active())
		}
	}
	slices.SortFunc(list, func(a, b *ActiveConnection) int { return cmp.Compare(a.Peer.ID, b.Peer.ID) })
	return list
}

// GetActiveConnection returns the connection with an id, if it is up.
func (m *Manager) GetActiveConnection(connectionID string) (*ActiveConnection, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.ids[connectionID]
	if !ok || !routable(c.state()) {
		return nil, false
	}
	return c.active(), true
}

// GetClient returns a client of the dispatcher service of the collector at an address, as it was dialled or as the peer
// claims it, if there is a link to it. The client survives reconnects. Its Serve runs a method on that collector, its
// Dispatch enters the mesh there, which may go on to one of its peers, and its Connect agrees on the connection anew; all
// in shared namespaces only.
func (m *Manager) GetClient(address string) (collectorconnect.CollectiveDispatcherClient, bool) {
	for _, p := range m.Table().Peers() {
		if p.Address == address && p.linked() {
			return p.dispatcher(), true
		}
	}
	return nil, false
}

// RecordRequest counts a call that this collector made on a connection, with its message bytes. Calls that arrive over
// a link are counted by the manager itself.
func (m *Manager) RecordRequest(_ context.Context, connectionID string, bytesSent, bytesReceived int64) {
	if t, ok := m.tallies.Get(connectionID); ok {
		t.add(bytesSent, bytesReceived)
	}
}

// known returns the connections that have been agreed at some time. m.mu is held.
func (m *Manager) known() []*connection {
	conns := make([]*connection, 0, len(m.conns))
	for _, c := range m.conns {
		if c.record != nil {
			conns = append(conns, c)
		}
	}
	return conns
}

// active is the connection as an ActiveConnection. Manager.mu is held.
func (c *connection) active() *ActiveConnection {
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
