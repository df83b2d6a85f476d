package conn

import "time"

// expectFor is how long after a restart a peer of an earlier run is expected to say what it serves. Until then nobody
// can tell whether a method that is not known is one of its.
const expectFor = 5 * time.Minute

// said is what a connection knows of what its peer serves. It outlives the link: what a peer served is away until the
// peer says otherwise while it serves. A stop, a lost link or a restart are no such word.
type said struct {
	catalog *Catalog
	by      string // the session of the peer that said it
	// heard tells that the peer has said what it serves, or that it is leaving, over the line it has now.
	heard bool
	// leaving tells that the peer is stopping.
	leaving bool
	// expected tells that this collector has restarted and has not heard the peer since.
	expected bool
}

// hears takes what a session tells. Manager.mu is held.
func (c *connection) hears(s *session, told *Catalog) {
	c.heard, c.expected, c.leaving = true, false, told.leaving
	s.leaving = told.leaving
	if !told.leaving {
		c.catalog, c.by = told, s.peer.SessionID
	}
}

// silent is [Peer.Silent]. Manager.mu is held.
func (c *connection) silent() bool {
	if _, linked := c.live.(*session); linked {
		return !c.heard && !c.entrance
	}
	return c.expected && c.state() == stateStale
}

// away is [Peer.Away]. A link that was replaced within one run of the peer leaves no doubt. Manager.mu is held.
func (c *connection) away() bool {
	_, linked := c.live.(*session)
	return linked && (c.leaving || !c.entrance && !c.heard && (c.catalog == nil || c.by != c.session))
}

// giveUpExpecting ends the wait for peers of earlier runs.
func (m *Manager) giveUpExpecting(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.loaded) < expectFor {
		return
	}
	for _, c := range m.conns {
		if c.expected {
			c.expected = false
			m.publish(c)
		}
	}
}
