package conn

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	records "github.com/collectiverpc/collective/conn/internal/store"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/cow"
)

// catalogWait is how long a side waits for the other's catalog after an agreement: the one that was asked before it
// tells its own, the one that asked before ConnectTo returns. In this order ConnectTo can promise that both sides know
// both catalogs.
const catalogWait = 2 * time.Second

// directory holds the connections that this collector knows, and the table that readers see of them.
//
// mu is the state lock. It guards the connections and what their links say of themselves, so that a change of state, of
// the path and of the table are one step. It is never held over I/O.
type directory struct {
	self    Self
	tallies cow.Map[string, *tally] // by connection id
	table   atomic.Pointer[Table]

	mu      sync.Mutex
	changed chan struct{}          // closed and replaced with each change of the table
	conns   map[string]*connection // by peer id
	ids     map[string]*connection // the same by their own id
	puts    uint64
}

func newDirectory(self Self) *directory {
	d := &directory{
		self:    self,
		changed: make(chan struct{}),
		conns:   make(map[string]*connection),
		ids:     make(map[string]*connection),
	}
	d.table.Store(new(Table))
	return d
}

// changes returns a channel that is closed at the next change.
func (d *directory) changes() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

// publish shows a connection to readers as it is now. mu is held.
func (d *directory) publish(c *connection) {
	d.table.Store(d.table.Load().with(c.peerView()))
	d.announceChange()
}

func (d *directory) unpublish(peer string) {
	d.table.Store(d.table.Load().without(peer))
	d.announceChange()
}

// announceChange wakes those who wait for a change. mu is held.
func (d *directory) announceChange() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// await waits, within catalogWait and the life of a link, until a change makes something true, which is asked with mu
// held.
func (d *directory) await(l *peerLink, holds func() bool) {
	timer := time.NewTimer(catalogWait)
	defer timer.Stop()
	for {
		d.mu.Lock()
		changed, ok := d.changed, holds()
		d.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-l.link.Done():
			return
		}
	}
}

// hold returns the connection to a peer, a new one if need be, and keeps it in existence until drop.
func (d *directory) hold(peer string) (*connection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.conns[peer]
	if !ok {
		if len(d.conns) >= MaxPeers && !d.forgetOne() {
			return nil, connect.Errorf(connect.CodeResourceExhausted, "collector %q has %d connections, which is all it may have: "+
				"disconnect some that are no longer needed", d.self.ID, MaxPeers)
		}
		c = newConnection(d.self.ID, peer)
		d.remember(c)
	}
	c.users++
	return c, nil
}

// byID finds a connection by its id and holds it.
func (d *directory) byID(id string) (*connection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c, ok := d.ids[id]; ok && c.record != nil {
		c.users++
		return c, nil
	}
	return nil, connect.Errorf(connect.CodeNotFound, "collector %q has no connection %q: list its connections for their ids", d.self.ID, id)
}

// drop ends a use of a connection. One that was never agreed goes with its last user.
func (d *directory) drop(c *connection) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c.users--
	if c.users == 0 && c.record == nil {
		d.forget(c)
	}
}

// forgetOne forgets the connection that has been dead for longest and that this side will not bring back, if there is
// one. mu is held.
func (d *directory) forgetOne() bool {
	var oldest *connection
	for _, c := range d.conns {
		if d.forgettable(c) && (oldest == nil || c.put < oldest.put) {
			oldest = c
		}
	}
	if oldest == nil {
		return false
	}
	d.forget(oldest)
	d.unpublish(oldest.peer)
	return true
}

// forgettable reports whether nobody uses a connection or will bring it back. mu is held.
func (d *directory) forgettable(c *connection) bool {
	return c.users == 0 && c.record != nil && records.Forgettable(c.record)
}

// dead are the connections that may be forgotten: they are over, and that is written. mu is held.
func (d *directory) dead() []*connection {
	return slices.DeleteFunc(d.known(), func(c *connection) bool { return c.dirty || !d.forgettable(c) })
}

func (d *directory) remember(c *connection) {
	d.conns[c.peer], d.ids[c.id] = c, c
	d.tallies.Set(c.id, &c.path.tally)
}

func (d *directory) forget(c *connection) {
	delete(d.conns, c.peer)
	delete(d.ids, c.id)
	d.tallies.Delete(c.id)
}

// setRecord replaces the record of a connection. mu is held.
func (d *directory) setRecord(c *connection, record *collector.Connection) {
	d.puts++
	c.record, c.put, c.dirty = record, d.puts, false
}

// observe changes the state of a connection if the event changes it; the record follows to disk later. mu is held.
func (d *directory) observe(c *connection, e event) {
	if state, ok := next(c.state(), e); !ok || state == c.state() {
		return
	}
	record, _ := c.after(e, d.self.SessionID, "")
	d.setRecord(c, record)
	c.dirty = true
	d.publish(c)
}

// known returns the connections that have been agreed at some time. mu is held.
func (d *directory) known() []*connection {
	conns := make([]*connection, 0, len(d.conns))
	for _, c := range d.conns {
		if c.record != nil {
			conns = append(conns, c)
		}
	}
	return conns
}

// dialedAt returns the connection to the peer that this side has dialled at an address; nil if there is none. mu is held.
func (d *directory) dialedAt(address string) *connection {
	for _, c := range d.conns {
		if c.record.GetIsInitiator() && c.record.GetAddress() == address {
			return c
		}
	}
	return nil
}

// offers returns what this side offers to a peer that asks: what it offered when it dialled, else everything.
func (d *directory) offers(c *connection) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return c.hasOffered(d.self.Namespaces)
}

// copyOf is a copy of the record of a connection with the counters of the moment.
func (d *directory) copyOf(c *connection) *collector.Connection {
	d.mu.Lock()
	defer d.mu.Unlock()
	return c.view()
}

// sharedNow returns what a connection shares that has a link; nothing if it has none.
func (d *directory) sharedNow(c *connection) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.linked() == nil {
		return nil
	}
	return slices.Clone(c.record.GetSharedNamespaces())
}
