package conn

import (
	"context"
	"time"

	"github.com/collectiverpc/collective/gen/collector"
)

const (
	// idleAfter is how long a connection is active after its last call.
	idleAfter = 5 * time.Minute
	// forgetAfter is how long a dead connection is remembered that this side will not bring back.
	forgetAfter = 24 * time.Hour

	keepEvery  = time.Second
	purgeEvery = time.Hour
)

// startKeeper starts the keeper unless it runs: CloseAll ends it, and the next connection needs it. m.mu is held, or
// nobody else has the manager.
func (m *Manager) startKeeper() {
	if m.keeps {
		return
	}
	m.keeps = true
	ctx := m.ctx
	m.keeper.Go(func() { m.keep(ctx) })
}

// keep is the life of the keeper: each second it notes which connections were used, writes what changed without
// anybody waiting for it, and adds up the counters. Calls pay for an atomic addition and nothing else.
func (m *Manager) keep(ctx context.Context) {
	tick, purge := time.NewTicker(keepEvery), time.NewTicker(purgeEvery)
	defer tick.Stop()
	defer purge.Stop()
	for {
		select {
		case <-tick.C:
			m.noteUse(time.Now())
			m.giveUpExpecting(time.Now())
			m.writeBack()
			m.pruner.crowd()
		case <-m.kick:
			m.writeBack()
		case <-purge.C:
			m.pruner.old()
		case <-ctx.Done():
			return
		}
	}
}

// noteUse makes connections idle that were quiet for long, and active those that were not.
func (m *Manager) noteUse(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		if c.record == nil {
			continue
		}
		m.forgetNamesakes(c, now)
		if requests := c.wire.tally.requests.Load(); requests != c.counted {
			c.counted, c.activity = requests, now
			m.observe(c, eventUsed)
		} else if now.Sub(c.lastUse()) >= idleAfter {
			m.observe(c, eventQuiet)
		}
	}
}

// lastUse is when the connection was last used or agreed. Manager.mu is held.
func (c *connection) lastUse() time.Time {
	agreed := c.record.GetStateChangedAt().AsTime()
	if c.activity.After(agreed) {
		return c.activity
	}
	return agreed
}

// observe changes the state of a connection if the event changes it. m.mu is held.
func (m *Manager) observe(c *connection, e event) {
	if state, ok := next(c.state(), e); !ok || state == c.state() {
		return
	}
	record, _ := c.after(e, m.self.SessionID, "")
	m.setRecord(c, record)
	c.dirty = true
	m.publish(c)
}

// writeBack writes the records that changed and the counters. What cannot be written is tried again.
func (m *Manager) writeBack() {
	for _, c := range m.dirty() {
		m.writeDirty(c)
	}
	if err := m.writeCounters(); err != nil {
		m.logger.Error("counters could not be written", "error", err)
	}
}

func (m *Manager) dirty() []*connection {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*connection
	for _, c := range m.conns {
		if c.dirty {
			list = append(list, c)
		}
	}
	return list
}

// writeDirty writes a record unless somebody is changing it: then that change writes it, or the next round does.
func (m *Manager) writeDirty(c *connection) {
	if !c.turn.tryTake() {
		return
	}
	defer c.turn.give()
	if err := m.catchUp(c); err != nil {
		m.logger.Error("a connection's record could not be written", "peer", c.peer, "error", err)
	}
}

// catchUp writes a record that is ahead of the stored one. The turn is held.
func (m *Manager) catchUp(c *connection) error {
	m.mu.Lock()
	record, dirty := c.record, c.dirty
	m.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := m.write(context.Background(), record); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.record == record {
		c.dirty = false
	}
	return nil
}

func (m *Manager) writeCounters() error {
	conns, deltas := m.deltas()
	if len(deltas) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if err := m.store.AddCounters(ctx, deltas); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, c := range conns {
		c.flushed.Requests += deltas[i].Requests
		c.flushed.Errors += deltas[i].Errors
		c.flushed.BytesSent += deltas[i].BytesSent
		c.flushed.BytesReceived += deltas[i].BytesReceived
	}
	return nil
}

// deltas is what was counted since the last time it was written, and on which connections.
func (m *Manager) deltas() (conns []*connection, deltas []Counters) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		d := c.wire.tally.since(c.flushed)
		if c.record == nil || d.Requests == 0 && d.Errors == 0 {
			continue
		}
		d.LastActivity = c.activity
		conns, deltas = append(conns, c), append(deltas, d)
	}
	return conns, deltas
}

func (m *Manager) copyOf(c *connection) *collector.Connection {
	m.mu.Lock()
	defer m.mu.Unlock()
	return c.view()
}
