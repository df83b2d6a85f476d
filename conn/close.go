package conn

import (
	"context"
	"sync"
)

// Shutdown stops in good order: no connection is made any more, peers are told that this collector is leaving, running
// calls finish, and everything is closed as by [Manager.CloseAll]. When ctx ends first, calls that still run are cut off
// and its error is returned.
//
// The connections stay on record as stale: peers that dialled dial again, and so does this collector when it comes back
// and recovers.
func (m *Manager) Shutdown(ctx context.Context) error {
	sessions := m.refuseNew()
	m.announceLeaving()
	var group sync.WaitGroup
	for _, s := range sessions {
		group.Go(func() { s.retire(ctx) })
	}
	group.Wait()
	m.CloseAll()
	return ctx.Err()
}

// CloseAll closes all links at once, ends what runs in the background, writes the last counters and waits for all of
// it. Calls in flight fail as unavailable. The manager cannot be used afterwards; closing twice is no error.
func (m *Manager) CloseAll() {
	sessions := m.refuseNew()
	m.stop()
	for _, s := range sessions {
		s.link.Close("collector " + m.self.ID + " stopped")
	}
	m.group.Wait()
	<-m.keeping
	m.endSeedLines()
	m.writeBack()
}

// announceLeaving tells the peers to call elsewhere, and not to take what was served here for withdrawn.
func (m *Manager) announceLeaving() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell(&announcement{leaving: true})
}

// refuseNew refuses new connections, links and background work from now on, and returns the links there are.
func (m *Manager) refuseNew() []*session {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closing = true
	sessions := make([]*session, 0, len(m.sessions))
	for s := range m.sessions {
		sessions = append(sessions, s)
	}
	return sessions
}

// endSeedLines loses the lines that have no goroutine which would.
func (m *Manager) endSeedLines() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		if l, ok := c.live.(*seedLine); ok {
			l.close()
			m.dropLine(c, l, "this collector stopped")
		}
	}
}
