package conn

import (
	"context"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
)

// agreement is what both sides of a connection have settled, on the way to become its state.
type agreement struct {
	// line carries the calls from now on. It is nil for a seed peer that dialled and may not be dialled back.
	line line
	seed bool
	// address is where the peer is: dialled or claimed.
	address string
	shared  []string // sorted
	// dialed tells that this side asked for it, and offered what it offered.
	dialed  bool
	offered []string
	// again tells that a redial asked for it, not a person: it must not revive what a person has closed.
	again bool
	// entrance tells that the peer routes the calls of this side, which is a consumer.
	entrance bool
}

// ruling is what becomes of a new line to a peer.
type ruling int

const (
	takeNew ruling = iota
	keepOld
)

// rival is a link as the duplicate rule sees it.
type rival struct {
	dialed  bool   // by this collector
	session string // of the peer
}

// judge decides between two links to one peer. Both sides come to the same end, since they compare the same facts: a
// peer with a new session has lost what it had; of two links that one side dialled the later one is meant, or that
// side would not have dialled; of two links dialled by both sides the one dialled by the smaller id stays.
func judge(self, peer string, old, fresh rival) ruling {
	switch {
	case old.session != fresh.session, old.dialed == fresh.dialed:
		return takeNew
	case fresh.dialed == (self < peer):
		return takeNew
	}
	return keepOld
}

// agree makes an agreement the state of a connection: on disk first, then in the table. The acceptor gets errDuplicate
// if the pair has a link that stays; the initiator's agreement is recorded on the link that stays, and its own is
// drained.
func (m *Manager) agree(ctx context.Context, c *connection, a agreement) error {
	if err := c.turn.take(ctx); err != nil {
		return errBusy(c, err)
	}
	defer c.turn.give()
	record, kept, err := m.draft(c, a)
	if err != nil {
		return err
	}
	if err := m.write(ctx, record); err != nil {
		m.logger.Error("a connection was agreed but not written", "peer", c.peer, "error", err)
		return errStore(err)
	}
	return m.commit(c, record, a, kept)
}

// draft judges an agreement against what the connection is, and returns the record it leads to.
func (m *Manager) draft(c *connection, a agreement) (_ *collector.Connection, kept bool, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.again && c.barred() {
		return nil, false, connect.Errorf(connect.CodeFailedPrecondition,
			"collector %q disconnected from %q (%s): connect again by hand", m.self.ID, c.peer, c.record.GetCloseReason()).
			WithCause(errDisconnected)
	}
	if s, linked := a.line.(*session); linked {
		s.address = a.address
		if err := m.checkNamesake(c, s); err != nil {
			return nil, false, err
		}
	}
	if m.rule(c, a) == keepOld {
		if !a.dialed {
			return nil, false, connect.Errorf(connect.CodeAlreadyExists,
				"collectors %q and %q have a link already: use that one", m.self.ID, c.peer).WithCause(errDuplicate)
		}
		kept = true
	}
	record, _ := c.after(eventAgreed, m.self.SessionID, "")
	if !kept {
		m.apply(record, c, a)
	}
	if a.dialed {
		record.IsInitiator, record.OfferedNamespaces, record.Address = true, a.offered, a.address
	}
	return record, kept, nil
}

// rule applies the duplicate rule. m.mu is held.
func (m *Manager) rule(c *connection, a agreement) ruling {
	if c.live == nil || c.live == a.line {
		return takeNew
	}
	old, oldLinked := c.live.(*session)
	fresh, freshLinked := a.line.(*session)
	switch {
	case !oldLinked:
		return takeNew
	case !freshLinked: // a peer with a link does not need the seed's way
		return keepOld
	}
	return judge(m.self.ID, c.peer, old.rival(), fresh.rival())
}

// apply writes the terms of an agreement into a record.
func (m *Manager) apply(record *collector.Connection, c *connection, a agreement) {
	record.SharedNamespaces = a.shared
	record.Carrier = "" // what is stored of it is only whether the peer speaks the seed's protocol
	if a.seed {
		record.Carrier = CarrierSeed
	}
	record.SourceCollectorId, record.TargetCollectorId = c.peer, m.self.ID
	if s, linked := a.line.(*session); linked && s.dialed || !linked && a.dialed {
		record.SourceCollectorId, record.TargetCollectorId = m.self.ID, c.peer
	}
	if record.Address == "" || !record.GetIsInitiator() {
		record.Address = a.address
	}
}

// commit makes a written record the state of its connection.
func (m *Manager) commit(c *connection, record *collector.Connection, a agreement, kept bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return errStopping(m.self.ID)
	}
	m.setRecord(c, record)
	c.trouble = ""
	s, linked := a.line.(*session)
	surplus := c.live
	if !kept {
		m.install(c, a)
	} else if surplus = a.line; linked {
		s.bind(c, record.GetSharedNamespaces()) // the peer may have begun to use it
	}
	if surplus != c.live {
		m.endSurplus(c, surplus)
	}
	m.publish(c)
	if linked && s.gone {
		m.dropLine(c, s, "the link was lost as soon as it was agreed")
	}
	return nil
}

// endSurplus ends a line that is not needed any more. m.mu is held.
func (m *Manager) endSurplus(c *connection, surplus line) {
	old, linked := surplus.(*session)
	current, ok := c.live.(*session)
	if linked && ok && old.peer.SessionID != current.peer.SessionID && !old.leaving {
		m.replaced(c, old)
		return
	}
	m.retire(surplus)
}

// install makes the line of an agreement the one that carries calls. m.mu is held.
func (m *Manager) install(c *connection, a agreement) {
	if c.live != a.line {
		c.heard, c.leaving = false, false
	}
	c.live, c.seed, c.expected, c.entrance = a.line, a.seed, false, a.entrance
	if a.line == nil {
		c.wire.clear()
		return
	}
	c.wire.set(a.line)
	if s, ok := a.line.(*session); ok {
		c.session = s.peer.SessionID
		c.namesakes = slices.DeleteFunc(c.namesakes, func(n namesake) bool { return n.session == c.session })
		s.settle(c, a.shared, a.dialed)
	}
}

// setRecord replaces the record of a connection. m.mu is held.
func (m *Manager) setRecord(c *connection, record *collector.Connection) {
	m.puts++
	c.record, c.put, c.dirty = record, m.puts, false
}

// retire ends a line, if there is one, once its calls have ended. m.mu is held.
func (m *Manager) retire(l line) {
	if l == nil {
		return
	}
	m.spawnLocked(func() {
		ctx, cancel := context.WithTimeout(m.ctx, drainTimeout)
		defer cancel()
		l.retire(ctx)
	})
}

func (m *Manager) retireSoon(l line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.retire(l)
}

// write stores a record. The caller going away does not stop it half way.
func (m *Manager) write(ctx context.Context, record *collector.Connection) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	return m.store.Put(ctx, record)
}

// loseLine is called when a line has ended for a reason of its own.
func (m *Manager) loseLine(c *connection, l line, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropLine(c, l, reason)
}

// dropLine makes a connection stale, or closed, whose line is gone, at once: routing must not wait for the disk. The keeper writes
// the record. m.mu is held.
func (m *Manager) dropLine(c *connection, l line, reason string) {
	if c.live != l {
		return // replaced or disconnected before
	}
	c.live = nil
	c.wire.clear()
	record, ok := c.after(c.lossOf(l), m.self.SessionID, reason)
	if !ok {
		return
	}
	m.setRecord(c, record)
	c.dirty = true
	m.publish(c)
	m.wakeKeeper()
	m.logLoss(c, reason)
	m.redialLater(c)
}

// logLoss warns of what nobody asked for. The end of a connection by our own doing is no loss. m.mu is held.
func (m *Manager) logLoss(c *connection, reason string) {
	if m.closing || c.record.GetDeparted() {
		m.logger.Info("connection ends", "peer", c.peer, "reason", reason)
		return
	}
	m.logger.Warn("connection lost", "peer", c.peer, "reason", reason)
}

func (m *Manager) wakeKeeper() {
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// offers returns what this side offers to a peer that asks: what it offered when it dialled, else everything.
func (m *Manager) offers(c *connection) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return c.hasOffered(m.self.Namespaces)
}
