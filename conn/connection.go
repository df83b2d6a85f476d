package conn

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"golang.org/x/sync/semaphore"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/collectiverpc/collective/conn/internal/namesake"
	"github.com/collectiverpc/collective/conn/internal/pace"
	"github.com/collectiverpc/collective/conn/internal/seed"
	"github.com/collectiverpc/collective/gen/collector"
)

// ConnectionID returns the id of the connection of two collectors: the same on both sides and in both orders, so that
// there is one record per pair by construction.
func ConnectionID(a, b string) string {
	sum := sha256.Sum256([]byte(min(a, b) + "\n" + max(a, b))) // no collector id has a line break
	return "c-" + hex.EncodeToString(sum[:6])
}

// connection is this side of a connection. Its id, its path and the two semaphores are its own; everything else is
// guarded by the state lock of the [directory].
type connection struct {
	id, peer string
	path     currentPath

	// turn is held while the state is changed, over the write to the store; dialing while this side dials and agrees, so
	// that the peer sees our Connect calls in the order in which we made them. Unlike a mutex they may be held over I/O:
	// whoever waits gives up with its context, and nothing that reads the table or carries calls ever waits for them.
	turn, dialing *semaphore.Weighted

	users  int                   // operations that use the connection now
	record *collector.Connection // replaced, never modified; nil before the first agreement
	dirty  bool                  // the record differs from the stored one
	put    uint64                // order of changes, for lists
	knownCatalog
	session string   // of the peer, when it was last agreed
	live    peerPath // nil unless calls can be carried
	seed    bool
	// volatile tells that the peer has proved nothing, and nothing of it is written down; linkless is what it has proved
	// that has no link.
	volatile bool
	linkless Proof
	trouble  string // why the last dial failed

	namesakes    namesake.List
	refusedKey   string    // which other key was shown under the peer's id
	toldOf       string    // what the peer says of another process under this collector's id
	toldAt       time.Time // when
	tooMuch      string    // why the catalog that the peer told last is not taken
	announced    pace.Bucket
	toldConflict time.Time // when the log was told last

	redial redialState

	base     Counters // what the stored record had counted before this process
	flushed  Counters // of the tally
	counted  int64    // requests at the last look of the keeper
	activity time.Time
}

// redialState is what the redialer knows of a connection.
type redialState struct {
	nudged  chan struct{} // tells the redial that the peer is back
	running bool
	stop    context.CancelFunc
	last    time.Time // of a dial
}

func newConnection(self, peer string) *connection {
	id := ConnectionID(self, peer)
	return &connection{
		id: id, peer: peer,
		turn: semaphore.NewWeighted(1), dialing: semaphore.NewWeighted(1),
		redial: redialState{nudged: make(chan struct{}, 1)},
		base:   Counters{ConnectionID: id}, flushed: Counters{ConnectionID: id},
	}
}

// take waits for the turn or the dialing of the connection. It is given back by Release(1).
func (c *connection) take(ctx context.Context, s *semaphore.Weighted) error {
	if err := s.Acquire(ctx, 1); err != nil {
		return connect.Errorf(connect.CodeUnavailable, "connection %q is being changed by another call (%v): try again", c.id, err).WithCause(err)
	}
	return nil
}

// state is the last agreed state, stateNone before the first agreement.
func (c *connection) state() collector.ConnectionState { return c.record.GetState() }

// linked is the link that carries the calls; nil if nothing does, or a path without a link.
func (c *connection) linked() *peerLink {
	l, _ := c.live.(*peerLink) //nolint:errcheck // nil is an answer
	return l
}

// changedAt is when the state changed.
func (c *connection) changedAt() time.Time { return c.record.GetStateChangedAt().AsTime() }

// barred reports whether the connection is opened again by hand only.
func (c *connection) barred() bool {
	return c.state() == stateFailed || c.state() == stateClosed && !c.record.GetDeparted()
}

// oneWay reports whether the connection only lets the peer call: a seed peer that dialled and may not be dialled back has
// no path that could be lost.
func (c *connection) oneWay() bool { return c.seed && c.live == nil && routable(c.state()) }

// silent is [Peer.Silent].
func (c *connection) silent() bool {
	if c.linked() != nil {
		return c.unheard()
	}
	return c.expected && c.state() == stateStale
}

// conflict says what is wrong with who is who, and what to do: several processes under one id, another key, more methods
// than are taken; empty if all is well.
func (c *connection) conflict() string {
	found := []string{c.doubles(), c.refusedKey, c.toldOf, c.tooMuch}
	return strings.Join(slices.DeleteFunc(found, func(s string) bool { return s == "" }), "; ")
}

// doubles says which processes run under the id of the peer; empty if it is not linked or there is but one.
func (c *connection) doubles() string {
	l := c.linked()
	if l == nil {
		return ""
	}
	return c.namesakes.Conflict(c.peer, l.run())
}

// proof is how the peer is proved on the link or the path that it has now.
func (c *connection) proof() Proof {
	switch live := c.live.(type) {
	case *peerLink:
		return live.proof
	case *seed.Path:
		return c.linkless
	}
	return ProofNone
}

// lastUse is when the connection was last used or agreed.
func (c *connection) lastUse() time.Time {
	agreed := c.changedAt()
	if c.activity.After(agreed) {
		return c.activity
	}
	return agreed
}

// peerView is the connection as tables show it. There is a record.
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
		Away:         c.linked() != nil && c.unreachable(c.session),
		SessionID:    c.session,
		Conflict:     c.conflict(),
		Proof:        c.proof(),
		path:         &c.path,
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

// view is a copy of the record with the counters of the moment and, while the peer is stopping, with word of that. There is a record.
func (c *connection) view() *collector.Connection {
	r := proto.CloneOf(c.record)
	if c.linked() != nil && c.leaving {
		r.CloseReason = c.peerView().Reason
	}
	c.base.add(r)
	current := c.path.tally.since(Counters{})
	current.LastActivity = c.activity
	current.add(r)
	r.Carrier, r.Conflict = c.carrier(), c.conflict()
	return r
}

// carrier is what carries calls now, empty for nothing.
func (c *connection) carrier() string {
	if c.live == nil {
		return ""
	}
	return c.live.Carrier()
}

// after returns the record that follows an event, for the store, and whether the event may happen now.
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

// hasOffered is what this side offers on the connection: what it offered when it dialled, else all it has.
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
