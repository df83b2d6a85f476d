package conn

import "context"

// A seed peer that connected and may not be dialled back has no line that could be lost, and anybody can be one under any
// id. Only a bound ends its connection, or such connections would take the place of all others.

// oneWay reports whether the connection only lets the peer call. Manager.mu is held.
func (c *connection) oneWay() bool { return c.seed && c.live == nil && routable(c.state()) }

// boundOneWay makes room for one more one-way connection than there are without c. Those agreed longest ago become stale:
// their peers may connect again, and their calls need no connection.
func (m *Manager) boundOneWay(ctx context.Context, c *connection) error {
	for {
		oldest := m.holdOldestOneWay(c)
		if oldest == nil {
			return nil
		}
		err := m.endOneWay(ctx, oldest)
		m.drop(oldest)
		if err != nil {
			return err
		}
	}
}

// holdOldestOneWay holds the one-way connection that was agreed first, if there are as many without c as there may be.
func (m *Manager) holdOldestOneWay(c *connection) (oldest *connection) {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := 0
	for _, other := range m.conns {
		if other == c || !other.oneWay() || other.record.GetIsInitiator() {
			continue
		}
		count++
		if oldest == nil || other.put < oldest.put {
			oldest = other
		}
	}
	if count < m.limits.OneWay {
		return nil
	}
	oldest.users++
	return oldest
}

// endOneWay makes a one-way connection stale, unless it is none any more.
func (m *Manager) endOneWay(ctx context.Context, c *connection) error {
	if err := c.turn.take(ctx); err != nil {
		return errBusy(c, err)
	}
	defer c.turn.give()
	m.mu.Lock()
	record, _ := c.after(eventLost, m.self.SessionID, "it cannot be called, and other such peers connected after it")
	oneWay := c.oneWay()
	m.mu.Unlock()
	if !oneWay {
		return nil
	}
	if err := m.write(ctx, record); err != nil {
		return errStore(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.setRecord(c, record)
	m.publish(c)
	return nil
}
