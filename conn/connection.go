package conn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/gen/collector"
)

// ConnectionID returns the id of the connection of two collectors: the same on both sides and in both orders, so that
// there is one record per pair by construction.
func ConnectionID(a, b string) string {
	sum := sha256.Sum256([]byte(min(a, b) + "\n" + max(a, b))) // no collector id has a line break
	return "c-" + hex.EncodeToString(sum[:6])
}

// connection is the manager's side of a connection.
type connection struct {
	id, peer string
	wire     wire

	// turn is held while the state is changed, over the write to the store; dialing while this side dials and agrees,
	// so that the peer sees our Connect calls in the order in which we made them.
	turn, dialing ticket

	// Guarded by Manager.mu.
	users   int                   // operations that use the connection now
	record  *collector.Connection // replaced, never modified; nil before the first agreement
	dirty   bool                  // the record differs from the stored one
	put     uint64                // order of changes, for lists
	said                          // what the peer serves
	session string                // of the peer, when it was last agreed
	live    line                  // nil unless calls can be carried
	seed    bool
	// entrance tells that the peer takes calls of any method, to route them.
	entrance bool
	trouble  string // why the last dial failed

	namesakes    []namesake // the last seen first
	toldConflict time.Time

	nudged    chan struct{} // tells the redial that the peer is back
	redialing bool
	stopDial  context.CancelFunc
	lastDial  time.Time

	base     Counters // what the stored record had counted before this process
	flushed  Counters // of the tally
	counted  int64    // requests at the last look of the keeper
	activity time.Time
}

func newConnection(self, peer string) *connection {
	id := ConnectionID(self, peer)
	return &connection{
		id: id, peer: peer,
		turn: newTicket(), dialing: newTicket(), nudged: make(chan struct{}, 1),
		base: Counters{ConnectionID: id}, flushed: Counters{ConnectionID: id},
	}
}

// state is the last agreed state, stateNone before the first agreement. Manager.mu is held.
func (c *connection) state() collector.ConnectionState { return c.record.GetState() }

// peerView is the connection as tables show it. Manager.mu is held and there is a record.
func (c *connection) peerView() *Peer {
	p := &Peer{
		ID:           c.peer,
		ConnectionID: c.id,
		Address:      c.record.GetAddress(),
		State:        c.record.GetState(),
		Shared:       c.record.GetSharedNamespaces(),
		Dialed:       c.record.GetIsInitiator(),
		Seed:         c.seed,
		OneWay:       c.oneWay(),
		Entrance:     c.entrance,
		Carrier:      c.carrier(),
		Catalog:      c.catalog,
		Silent:       c.silent(),
		Away:         c.away(),
		SessionID:    c.session,
		Conflict:     c.conflict(),
		wire:         &c.wire,
	}
	p.Reason = c.reason(p)
	return p
}

func (c *connection) reason(p *Peer) string {
	switch {
	case p.Routable():
		return ""
	case c.leaving && c.live != nil:
		return "it is stopping"
	case p.Away && c.catalog != nil:
		return "it has restarted and not said yet what it serves"
	case p.Away:
		return "it has not said yet what it serves"
	case routable(p.State):
		return "it connected by the seed's protocol, and dialling the address it claims is not allowed"
	case c.trouble != "":
		return c.record.GetCloseReason() + "; dialling again: " + c.trouble
	}
	return c.record.GetCloseReason()
}

// view is a copy of the record with the counters of the moment. Manager.mu is held and there is a record.
func (c *connection) view() *collector.Connection {
	r := proto.CloneOf(c.record)
	c.base.add(r)
	current := c.wire.tally.since(Counters{})
	current.LastActivity = c.activity
	current.add(r)
	r.Carrier, r.Conflict = c.carrier(), c.conflict()
	return r
}

// carrier is what carries calls now, empty for nothing. Manager.mu is held.
func (c *connection) carrier() string {
	if c.live == nil {
		return ""
	}
	return c.live.carrier()
}

// after returns the record that follows an event, for the store, and whether the event may happen now. Manager.mu is
// held.
func (c *connection) after(e event, session, reason string) (*collector.Connection, bool) {
	state, ok := next(c.state(), e)
	if !ok {
		return nil, false
	}
	now := timestamppb.Now()
	r := proto.CloneOf(c.record)
	if r == nil {
		r = &collector.Connection{Id: c.id, Metadata: &collector.Metadata{CreatedAt: now}, LastActivity: now}
	}
	if state != r.GetState() || e == eventAgreed {
		r.StateChangedAt = now
	}
	if r.Metadata == nil {
		r.Metadata = &collector.Metadata{}
	}
	r.Metadata.UpdatedAt = now
	r.State, r.SessionId, r.CloseReason, r.Departed = state, session, reason, e == eventDeparted
	return r, true
}

// hasOffered is what this side offers on the connection: what it offered when it dialled, else all it has. Manager.mu
// is held.
func (c *connection) hasOffered(own []string) []string {
	if c.record.GetIsInitiator() {
		return c.record.GetOfferedNamespaces()
	}
	return own
}

// intersect returns what two sorted lists share, sorted.
func intersect(a, b []string) []string {
	var shared []string
	for _, s := range a {
		if _, ok := slices.BinarySearch(b, s); ok {
			shared = append(shared, s)
		}
	}
	return shared
}
