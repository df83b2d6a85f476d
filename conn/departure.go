package conn

import (
	"errors"

	"github.com/collectiverpc/collective/conn/link"
)

// A peer that stops in good order says so before its link ends. If it had dialled, nothing is amiss and nothing is to be
// done here: the connection is closed until it comes back. A peer that this side had dialled is missed all the same, and
// dialled again.

// departed reports whether the peer has said goodbye, rather than vanished. Manager.mu is held.
func (s *session) departed() bool {
	return !s.m.closing && (s.leaving || errors.Is(s.link.Err(), link.ErrDrained))
}

// lossOf is what the end of a line means to the connection. Manager.mu is held.
func (c *connection) lossOf(l line) event {
	if s, linked := l.(*session); linked && s.departed() && !c.record.GetIsInitiator() {
		return eventDeparted
	}
	return eventLost
}

// barred reports whether the connection is opened again by hand only. Manager.mu is held.
func (c *connection) barred() bool {
	return c.state() == stateFailed || c.state() == stateClosed && !c.record.GetDeparted()
}
