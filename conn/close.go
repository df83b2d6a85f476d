package conn

import (
	"context"
	"sync"
)

// Shutdown stops in good order: no connection is made any more, peers are told that this collector is leaving, running
// calls finish, and everything is closed as by [Manager.Close]. When ctx ends first, calls that still run are cut off and
// its error is returned.
//
// The connections stay on record as stale: peers that dialled dial again, and so does this collector when it comes back
// and recovers.
func (m *Manager) Shutdown(ctx context.Context) error {
	sessions := m.refuseNew(stopped, true)
	m.announceLeaving()
	var group sync.WaitGroup
	for _, s := range sessions {
		group.Go(func() { s.retire(ctx) })
	}
	group.Wait()
	m.Close()
	return ctx.Err()
}

// stopped is why a connection ended with its manager.
const stopped = "this collector stopped"

// Close ends the manager at once: links are closed, what runs in the background ends, the last counters are written.
// Calls in flight fail as unavailable. The manager cannot be used afterwards; closing twice is no error.
func (m *Manager) Close() { m.end(stopped, true) }

// CloseAll closes all connections at once, and leaves the manager usable, as in the seed. Calls in flight fail as
// unavailable, and nothing of the manager runs any more when it returns. The connections stay on record as stale: this
// side dials none of them again until [Manager.ConnectTo] or [Manager.RecoverFromRestart]. Peers that had dialled may
// do so, and are accepted; [Manager.Disconnect] ends a connection for both sides.
func (m *Manager) CloseAll() { m.end("all connections were closed here", false) }

// end ends all connections and everything that runs; the manager too if it is final.
func (m *Manager) end(why string, final bool) {
	m.ending.Lock()
	defer m.ending.Unlock()
	sessions := m.refuseNew(why, final)
	m.stop()
	if final {
		m.finish()
	}
	for _, s := range sessions {
		s.link.Close("collector " + m.self.ID + ": " + why)
	}
	m.group.Wait()
	m.keeper.Wait()
	m.endSeedLines(why)
	m.writeBack()
	m.reopen()
}

// announceLeaving tells the peers to call elsewhere, and not to take what was served here for withdrawn.
func (m *Manager) announceLeaving() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell(&announcement{leaving: true})
}

// refuseNew refuses new connections, links and background work from now on, and returns the links there are.
func (m *Manager) refuseNew(why string, final bool) []*session {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closing, m.closingWhy, m.ended = true, why, m.ended || final
	sessions := make([]*session, 0, len(m.sessions))
	for s := range m.sessions {
		sessions = append(sessions, s)
	}
	return sessions
}

// endSeedLines loses the connections that have no goroutine which would.
func (m *Manager) endSeedLines(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		if l, ok := c.live.(*seedLine); ok {
			l.close()
			m.dropLine(c, l, why)
		} else if c.oneWay() {
			m.dropLine(c, nil, why)
		}
	}
}

// reopen lets connections be made again, unless the manager has ended. Whatever used the old context is gone.
func (m *Manager) reopen() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return
	}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.closing, m.keeps = false, false
}
