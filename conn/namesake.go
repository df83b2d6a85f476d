package conn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect/v2"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// Two processes under one id would replace each other's links for ever. A link of another run is taken at first, as
// after a restart that nobody has noticed yet; but the run whose link was replaced is then asked whether it is still
// there, and one that comes back while its successor is up is refused and told why.
const (
	// maxNamesakes is how many runs are remembered whose link was replaced, per connection.
	maxNamesakes = 4
	// namesakeFor is for how long, since they were last seen.
	namesakeFor = 5 * time.Minute
	// namesakeTimeout is how long one has to show that it still runs.
	namesakeTimeout = time.Second
	// namesakeLogEvery is how often the log tells of it.
	namesakeLogEvery = time.Minute
)

// namesake is a run of a collector whose link was replaced by one of another run.
type namesake struct {
	session, place string
	seen           time.Time
	// proven tells that it still ran after its link was replaced. Otherwise it was the run before a restart.
	proven bool
}

// place is where a session's collector is, in words. Manager.mu is held.
func (s *session) place() string {
	switch {
	case s.dialed:
		return "dialled at " + s.address
	case s.address == "":
		return "dialling from " + s.from
	}
	return "dialling from " + s.from + ", address " + s.address
}

// replaced notes that a link gave way to one of another run, and finds out whether its own run has ended. m.mu is held.
func (m *Manager) replaced(c *connection, old *session) {
	m.seeNamesake(c, old, false)
	m.spawnLocked(func() {
		if old.answers(m.ctx) {
			m.mu.Lock()
			m.seeNamesake(c, old, true)
			m.mu.Unlock()
		}
		m.retireSoon(old)
	})
}

// answers reports whether the process at the other end is there. Whatever it answers, it is.
func (s *session) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, namesakeTimeout)
	defer cancel()
	_, err := s.mesh().ListConnections(ctx, &meshv1.ListConnectionsRequest{PageSize: 1})
	refused, ok := errors.AsType[*connect.Error](err)
	return err == nil || ok && refused.IsRemote()
}

// seeNamesake remembers a run that is not the one which is connected. m.mu is held.
func (m *Manager) seeNamesake(c *connection, s *session, proven bool) {
	if current, ok := c.live.(*session); !ok || current.peer.SessionID == s.peer.SessionID {
		return
	}
	seen := namesake{session: s.peer.SessionID, place: s.place(), seen: time.Now(), proven: proven}
	if at := c.namesake(seen.session); at >= 0 {
		seen.proven = seen.proven || c.namesakes[at].proven
		c.namesakes = slices.Delete(c.namesakes, at, at+1)
	}
	c.namesakes = slices.Insert(c.namesakes, 0, seen)
	c.namesakes = c.namesakes[:min(len(c.namesakes), maxNamesakes)]
	if seen.proven {
		m.tellConflict(c)
	}
}

func (m *Manager) tellConflict(c *connection) {
	m.publish(c)
	if now := time.Now(); now.Sub(c.toldConflict) >= namesakeLogEvery {
		c.toldConflict = now
		m.logger.Warn("two processes run under one collector id", "peer", c.peer, "conflict", c.conflict())
	}
}

func (c *connection) namesake(session string) int {
	return slices.IndexFunc(c.namesakes, func(n namesake) bool { return n.session == session })
}

// conflict says which processes run under the peer's id, and what to do; empty if there is but one. Manager.mu is held.
func (c *connection) conflict() string {
	current, ok := c.live.(*session)
	if !ok {
		return ""
	}
	var others []string
	for _, n := range c.namesakes {
		if n.proven {
			others = append(others, fmt.Sprintf("session %s, %s", n.session, n.place))
		}
	}
	if len(others) == 0 {
		return ""
	}
	return fmt.Sprintf("collector id %q is used by %d processes: session %s, %s, is connected; %s, is not; stop all but one, or give each its own id",
		c.peer, len(others)+1, current.peer.SessionID, current.place(), strings.Join(others, ", is not; "))
}

// checkNamesake refuses a run that comes back although another one has taken its place and is up. This is what ends the
// two replacing each other. m.mu is held.
func (m *Manager) checkNamesake(c *connection, s *session) error {
	current, ok := c.live.(*session)
	if !ok || current.peer.SessionID == s.peer.SessionID || c.namesake(s.peer.SessionID) < 0 {
		return nil
	}
	m.seeNamesake(c, s, true)
	return connect.Errorf(connect.CodeAlreadyExists,
		"collector id %q is in use: collector %q is connected with another process that has it (session %s, %s), this is session %s, %s; "+
			"stop one of them, or give each its own id", c.peer, m.self.ID,
		current.peer.SessionID, current.place(), s.peer.SessionID, s.place()).WithCause(errInUse)
}

// forgetNamesakes forgets those that were not seen for long. m.mu is held.
func (m *Manager) forgetNamesakes(c *connection, now time.Time) {
	before := c.conflict()
	c.namesakes = slices.DeleteFunc(c.namesakes, func(n namesake) bool { return now.Sub(n.seen) >= namesakeFor })
	if c.conflict() != before {
		m.publish(c)
	}
}
