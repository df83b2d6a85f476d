package conn

import (
	"context"
	"log/slog"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/internal/lifetime"
)

// namesakeLogEvery is how often the log tells of two processes under one id.
const namesakeLogEvery = time.Minute

// namesakeWatch finds out whether two processes run under the id of one peer, and ends it that they replace each other.
type namesakeWatch struct {
	dir    *directory
	life   *lifetime.Lifetime
	logger *slog.Logger
}

// replaced notes that a link gave way to one of another run, finds out whether its own run has ended, and retires it. The
// state lock is held.
func (w *namesakeWatch) replaced(c *connection, old *peerLink) {
	w.note(c, old, false)
	w.life.Spawn(func(ctx context.Context) {
		if old.answers(ctx) {
			w.dir.mu.Lock()
			w.note(c, old, true)
			w.dir.mu.Unlock()
		}
		retire(w.life, old)
	})
}

// note remembers a run that is not the one which is connected. The state lock is held.
func (w *namesakeWatch) note(c *connection, l *peerLink, proven bool) {
	if current := c.linked(); current == nil || current.peer.SessionID == l.peer.SessionID {
		return
	}
	run := l.run()
	run.Seen, run.Proven = time.Now(), proven
	if c.namesakes.Note(run) {
		w.tell(c)
	}
}

// tell shows a conflict to readers and, now and then, in the log.
func (w *namesakeWatch) tell(c *connection) {
	w.dir.publish(c)
	if now := time.Now(); now.Sub(c.toldConflict) >= namesakeLogEvery {
		c.toldConflict = now
		w.logger.Warn("two processes run under one collector id", "peer", c.peer, "conflict", c.conflict())
	}
}

// check refuses a run that comes back although another one has taken its place and is up. This is what ends the two
// replacing each other. The state lock is held.
func (w *namesakeWatch) check(c *connection, l *peerLink) error {
	current := c.linked()
	if current == nil || current.peer.SessionID == l.peer.SessionID || !c.namesakes.Knows(l.peer.SessionID) {
		return nil
	}
	w.note(c, l, true)
	return connect.Errorf(connect.CodeAlreadyExists,
		"collector id %q is in use: collector %q is connected with another process that has it (session %s, %s), this is session %s, %s; "+
			"stop one of them, or give each its own id", c.peer, w.dir.self.ID,
		current.peer.SessionID, current.place(), l.peer.SessionID, l.place()).WithCause(errInUse)
}

// expire forgets those that were not seen for long. The state lock is held.
func (w *namesakeWatch) expire(c *connection, now time.Time) {
	before := c.conflict()
	c.namesakes.Expire(now)
	if c.conflict() != before {
		w.dir.publish(c)
	}
}
