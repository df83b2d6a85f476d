package conn

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/internal/duplicate"
	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/internal/seed"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
)

func claimOf(l *peerLink) duplicate.Claim {
	return duplicate.Claim{Dialed: l.dialed, Session: l.peer.SessionID}
}

// agreements moves connections from state to state: it alone makes them active, stale, closed or failed. What somebody
// asked for is on disk before it is true; only a loss, which nobody asked for, is true at once.
type agreements struct {
	dir      *directory
	records  *recordKeeper
	catalogs *catalogs
	claims   *claims
	life     *lifetime.Lifetime
	handler  link.Handler
	logger   *slog.Logger
	// lost is told, with the state lock held, that a connection has lost its path and its record is not written yet.
	lost func(c *connection)
}

// agree makes an agreement the state of a connection: on disk first, then in the table. The acceptor gets errDuplicate
// if the pair has a link that stays; the initiator's agreement is recorded on the link that stays, and its own is
// drained.
func (g *agreements) agree(ctx context.Context, c *connection, a agreement) error {
	if err := c.take(ctx, c.turn); err != nil {
		return err
	}
	defer c.turn.Release(1)
	if l := a.linked(); l != nil {
		g.dir.mu.Lock()
		l.address = a.address
		g.dir.mu.Unlock()
		if err := g.claims.admit(ctx, c, l); err != nil {
			return err
		}
	}
	record, kept, err := g.draft(c, a)
	if err != nil {
		return err
	}
	if err := g.write(ctx, c, record, a); err != nil {
		return err
	}
	return g.commit(c, record, a, kept)
}

// write puts an agreement on disk, the key of the peer first: a record without it would leave the id to anybody.
func (g *agreements) write(ctx context.Context, c *connection, record *collector.Connection, a agreement) error {
	if a.volatile {
		return nil
	}
	if l := a.linked(); l != nil {
		if err := g.claims.remember(ctx, l); err != nil {
			return err
		}
	}
	if err := g.records.write(ctx, c, record); err != nil {
		g.logger.Error("a connection was agreed but not written", "peer", c.peer, "error", err)
		return errStore(err)
	}
	return nil
}

// draft judges an agreement against what the connection is, and returns the record it leads to.
func (g *agreements) draft(c *connection, a agreement) (_ *collector.Connection, kept bool, _ error) {
	g.dir.mu.Lock()
	defer g.dir.mu.Unlock()
	if a.again && c.barred() {
		return nil, false, connect.Errorf(connect.CodeFailedPrecondition,
			"collector %q disconnected from %q (%s): connect again by hand", g.dir.self.ID, c.peer, c.record.GetCloseReason()).
			WithCause(errDisconnected)
	}
	if g.decide(c, a) == duplicate.KeepOld {
		if !a.dialed {
			return nil, false, connect.Errorf(connect.CodeAlreadyExists,
				"collectors %q and %q have a link already: use that one", g.dir.self.ID, c.peer).WithCause(errDuplicate)
		}
		kept = true
	}
	record, _ := c.after(eventAgreed, g.dir.self.SessionID, "")
	if !kept {
		g.apply(record, c, a)
	}
	if a.dialed {
		record.IsInitiator, record.OfferedNamespaces, record.Address = true, a.offered, a.address
	}
	return record, kept, nil
}

// decide applies the duplicate rule. The state lock is held.
func (g *agreements) decide(c *connection, a agreement) duplicate.Verdict {
	if c.live == nil || c.live == a.path {
		return duplicate.TakeNew
	}
	old, fresh := c.linked(), a.linked()
	switch {
	case old == nil:
		return duplicate.TakeNew
	case fresh == nil: // a peer with a link does not need the seed's way
		return duplicate.KeepOld
	}
	return duplicate.Resolve(g.dir.self.ID, c.peer, claimOf(old), claimOf(fresh))
}

// apply writes the terms of an agreement into a record.
func (g *agreements) apply(record *collector.Connection, c *connection, a agreement) {
	record.SharedNamespaces = a.shared
	record.Carrier = "" // what is stored of it is only whether the peer speaks the seed's protocol
	if a.seed {
		record.Carrier = CarrierSeed
	}
	record.SourceCollectorId, record.TargetCollectorId = c.peer, g.dir.self.ID
	if l := a.linked(); l != nil && l.dialed || l == nil && a.dialed {
		record.SourceCollectorId, record.TargetCollectorId = g.dir.self.ID, c.peer
	}
	if record.Address == "" || !record.GetIsInitiator() {
		record.Address = a.address
	}
}

// commit makes a written record the state of its connection.
func (g *agreements) commit(c *connection, record *collector.Connection, a agreement, kept bool) error {
	g.dir.mu.Lock()
	defer g.dir.mu.Unlock()
	if g.closing() {
		return g.life.Stopping()
	}
	g.dir.setRecord(c, record)
	c.trouble, c.toldOf = "", ""
	l := a.linked()
	surplus := c.live
	if !kept {
		g.install(c, a)
	} else if surplus = a.path; l != nil {
		l.bind(g.termsOf(c, record.GetSharedNamespaces())) // the peer may have begun to use it
	}
	if surplus != c.live {
		g.endSurplus(c, surplus)
	}
	g.dir.publish(c)
	if l != nil && l.gone {
		g.drop(c, l, "the link was lost as soon as it was agreed: "+l.lastWords())
	}
	return nil
}

func (g *agreements) termsOf(c *connection, shared []string) *terms {
	return &terms{connectionID: c.id, tally: &c.path.tally, shared: shared, handler: g.handler}
}

// endSurplus ends a path that is not needed any more. A link in whose place the peer has dialled another one is the peer's to
// end, when it has the answer and its calls go by the new one; this side does it only for a peer that forgets. The state lock is
// held.
func (g *agreements) endSurplus(c *connection, surplus peerPath) {
	old, _ := surplus.(*peerLink) //nolint:errcheck // nil is an answer
	current := c.linked()
	if old != nil && current != nil && old.peer.SessionID != current.peer.SessionID && !old.leaving {
		g.claims.replaced(c, old)
		return
	}
	within := drainTimeout
	if old != nil && !old.way.Expires.IsZero() {
		within = max(within, time.Until(old.way.Expires)) // it was replaced in good time
	}
	if old != nil && current != nil && !old.dialed && !current.dialed {
		g.life.Spawn(func(ctx context.Context) {
			if sleepUnlessNudged(ctx, old.link.Done(), agreeTimeout) {
				retireWithin(g.life, old, within)
			}
		})
		return
	}
	retireWithin(g.life, surplus, within)
}

// install makes the path of an agreement the one that carries calls. The state lock is held.
func (g *agreements) install(c *connection, a agreement) {
	if c.live != a.path {
		c.heard, c.leaving = false, false
	}
	c.live, c.seed, c.expected, c.entrance, c.volatile, c.linkless = a.path, a.seed, false, a.entrance, a.volatile, a.proof
	if a.path == nil {
		c.path.clear()
		return
	}
	c.path.set(a.path)
	if l := a.linked(); l != nil {
		c.session = l.peer.SessionID
		c.namesakes.Drop(c.session)
		l.bind(g.termsOf(c, a.shared))
		g.catalogs.bind(c, l, a.dialed)
	}
}

// endLink is called when a link has ended.
func (g *agreements) endLink(l *peerLink) {
	reason, closing := g.life.Closing()
	if !closing {
		reason = l.lastWords()
	}
	g.dir.mu.Lock()
	defer g.dir.mu.Unlock()
	l.gone = true
	if c := g.dir.conns[l.peer.CollectorID]; c != nil {
		g.drop(c, l, reason)
	}
}

// expireLink ends a link whose certificates have expired. Calls that run get what any link gets that is replaced.
func (g *agreements) expireLink(l *peerLink) {
	g.dir.mu.Lock()
	if c := g.dir.conns[l.peer.CollectorID]; c != nil {
		g.drop(c, l, l.expiredWords())
	}
	g.dir.mu.Unlock()
	retire(g.life, l)
}

// losePath is called when a path without a link has failed.
func (g *agreements) losePath(peer string, path peerPath, reason string) {
	g.dir.mu.Lock()
	defer g.dir.mu.Unlock()
	if c := g.dir.conns[peer]; c != nil {
		g.drop(c, path, reason)
	}
}

// endPaths loses, at the end of a life, the connections that have no goroutine which would.
func (g *agreements) endPaths(why string) {
	g.dir.mu.Lock()
	defer g.dir.mu.Unlock()
	for _, c := range g.dir.conns {
		if p, ok := c.live.(*seed.Path); ok {
			p.Close()
			g.drop(c, p, why)
		} else if c.oneWay() {
			g.drop(c, nil, why)
		}
	}
}

// drop makes a connection stale, or closed, whose path is gone, at once: routing must not wait for the disk. The record
// follows. The state lock is held.
func (g *agreements) drop(c *connection, path peerPath, reason string) {
	if c.live != path {
		return // replaced or disconnected before
	}
	c.live = nil
	c.path.clear()
	if l, ok := path.(*peerLink); ok && l.proof == ProofNone && !g.closing() {
		c.knownCatalog = knownCatalog{entrance: c.entrance} // nobody vouches for it, nor would know its owner again
	}
	record, ok := c.after(g.lossOf(c, path), g.dir.self.SessionID, reason)
	if !ok {
		return
	}
	g.dir.setRecord(c, record)
	c.dirty = true
	g.dir.publish(c)
	g.logLoss(c, reason)
	g.lost(c)
}

func (g *agreements) closing() bool {
	_, closing := g.life.Closing()
	return closing
}

// takeLeave ends a connection whose peer says goodbye without having proved that the goodbye is its to say: as if it had
// stopped. This side dials it again if it had dialled it, and the peer may come back in any case.
func (g *agreements) takeLeave(c *connection, l *peerLink, reason string) {
	g.dir.mu.Lock()
	l.leaving = true
	g.drop(c, l, reason)
	g.dir.mu.Unlock()
	retire(g.life, l)
}

// lossOf is what the end of a path means to the connection. A peer that stops in good order says so before its link
// ends. If it had dialled, nothing is amiss and nothing is to be done here: the connection is closed until it comes back.
// A peer that this side had dialled is missed all the same, and dialled again. The state lock is held.
func (g *agreements) lossOf(c *connection, path peerPath) event {
	l, _ := path.(*peerLink) //nolint:errcheck // nil is an answer
	if l == nil || c.record.GetIsInitiator() {
		return eventLost
	}
	if !g.closing() && (l.leaving || !l.expired() && errors.Is(l.link.Err(), link.ErrDrained)) {
		return eventDeparted
	}
	return eventLost
}

// logLoss warns of what nobody asked for. The end of a connection by our own doing, or by the goodbye of a peer, is no
// loss. The state lock is held.
func (g *agreements) logLoss(c *connection, reason string) {
	if g.closing() || c.record.GetDeparted() {
		g.logger.Info("connection ends", "peer", c.peer, "reason", reason)
		return
	}
	g.logger.Warn("connection lost", "peer", c.peer, "reason", reason)
}

// terminate closes a connection and returns the path it had, which the caller retires.
func (g *agreements) terminate(ctx context.Context, c *connection, e event, reason string) (ended peerPath, _ error) {
	if err := c.take(ctx, c.turn); err != nil {
		return nil, err
	}
	defer c.turn.Release(1)
	record, err := g.draftEnd(c, e, reason)
	if record == nil || err != nil {
		return nil, err
	}
	if err := g.records.writeOf(ctx, c, record); err != nil {
		g.logger.Error("a connection could not be closed", "peer", c.peer, "error", err)
		return nil, errStore(err)
	}
	return g.commitEnd(c, record), nil
}

// draftEnd returns the record of a connection after its end, nil if it has ended before.
func (g *agreements) draftEnd(c *connection, e event, reason string) (*collector.Connection, error) {
	g.dir.mu.Lock()
	defer g.dir.mu.Unlock()
	if c.state() == stateClosed && !c.record.GetDeparted() {
		return nil, nil //nolint:nilnil // nothing to do is not an error
	}
	record, ok := c.after(e, g.dir.self.SessionID, reason)
	if !ok {
		return nil, connect.Errorf(connect.CodeFailedPrecondition, "connection %q is %s and cannot be %s", c.id, StateName(c.state()), e)
	}
	return record, nil
}

func (g *agreements) commitEnd(c *connection, record *collector.Connection) (ended peerPath) {
	g.dir.mu.Lock()
	defer g.dir.mu.Unlock()
	ended = c.live
	if l := c.linked(); l != nil {
		l.terms.Store(g.termsOf(c, nil)) // calls that run may finish, new ones share nothing
	}
	g.dir.setRecord(c, record)
	c.live, c.trouble, c.expected = nil, "", false
	if c.state() == stateClosed {
		c.knownCatalog = knownCatalog{entrance: c.entrance} // somebody wanted the end; what failed is unreachable
	}
	c.path.clear()
	if c.redial.stop != nil {
		c.redial.stop()
	}
	g.dir.publish(c)
	g.logger.Info("disconnected", "peer", c.peer, "connection", c.id, "reason", record.GetCloseReason())
	return ended
}

// endOneWay makes a one-way connection stale, unless it is none any more.
func (g *agreements) endOneWay(ctx context.Context, c *connection) error {
	if err := c.take(ctx, c.turn); err != nil {
		return err
	}
	defer c.turn.Release(1)
	g.dir.mu.Lock()
	record, _ := c.after(eventLost, g.dir.self.SessionID, "it cannot be called, and other such peers connected after it")
	oneWay := c.oneWay()
	g.dir.mu.Unlock()
	if !oneWay {
		return nil
	}
	if err := g.records.writeOf(ctx, c, record); err != nil {
		return errStore(err)
	}
	g.dir.mu.Lock()
	defer g.dir.mu.Unlock()
	g.dir.setRecord(c, record)
	g.dir.publish(c)
	return nil
}
