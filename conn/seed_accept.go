package conn

import (
	"slices"
	"time"

	"github.com/collectiverpc/collective/gen/collector"
)

// dialedAsSeed reports whether this side has connected to a seed peer by itself, up or not, and nobody has disconnected
// it. Such a peer connects from its side as well, to be able to call, and again when it has restarted.
func (m *Manager) dialedAsSeed(c *connection) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !c.seed || !c.record.GetIsInitiator() {
		return false
	}
	_, seed := c.live.(*seedLine)
	return seed || c.state() == stateStale
}

// answerSeed answers the Connect of a peer that this side has dialled: for this collector and with the namespaces of this
// very request, which the peer may make another one each time it starts. The connection stays as it is, since anybody
// can send a plain request; but it is a reason to ask the peer at the address where it was dialled.
func (m *Manager) answerSeed(c *connection, a asked) *collector.ConnectResponse {
	m.mu.Lock()
	defer m.mu.Unlock()
	shared := intersect(a.namespaces, c.hasOffered(m.self.Namespaces))
	if c.state() == stateStale {
		c.nudge()
	} else if !slices.Equal(shared, c.record.GetSharedNamespaces()) {
		m.renew(c)
	}
	return &collector.ConnectResponse{
		Status: a.status(), ConnectionId: c.id, SharedNamespaces: shared, TargetCollectorId: m.self.ID,
	}
}

// nudge makes the redial try now.
func (c *connection) nudge() {
	select {
	case c.nudged <- struct{}{}:
	default:
	}
}

// renew agrees anew with a peer that is up, in the background and not more often than it would be dialled. m.mu is held.
func (m *Manager) renew(c *connection) {
	if untilDial(time.Now(), c.lastDial, 0) > 0 {
		return
	}
	c.lastDial = time.Now()
	w := c.wish()
	m.spawnLocked(func() {
		if err := m.dialOnce(m.ctx, w); err != nil {
			m.logger.Info("the connection was not renewed", "peer", c.peer, "error", err)
		}
	})
}
