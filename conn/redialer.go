package conn

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/gen/collector"
)

// Redialling: exponential backoff with full jitter, and at most one dial a second per peer.
const (
	backoffBase   = 250 * time.Millisecond
	backoffFactor = 1.6
	backoffCap    = 15 * time.Second
	dialInterval  = time.Second
)

// backoff returns how long to wait before dial number attempt, counted from 0 after the loss. random is uniform in
// [0, 1): full jitter spreads the peers of a restarted collector over the whole interval, so that they do not all come
// back in one instant.
func backoff(attempt int, random float64) time.Duration {
	ceiling := float64(backoffBase)
	for range attempt {
		ceiling *= backoffFactor
		if ceiling >= float64(backoffCap) {
			return time.Duration(random * float64(backoffCap))
		}
	}
	return time.Duration(random * ceiling)
}

// untilDial returns how long to wait at now before the next dial: the backoff, but never so little that two dials to
// one peer start within dialInterval. A zero last means that there was no dial.
func untilDial(now, last time.Time, backoff time.Duration) time.Duration {
	if last.IsZero() {
		return backoff
	}
	return max(backoff, dialInterval-now.Sub(last))
}

// redialer dials stale connections again, those that this side had dialled, until each is active or somebody disconnects
// it.
type redialer struct {
	dir       *directory
	life      *lifetime.Lifetime
	logger    *slog.Logger
	connect   func(ctx context.Context, w connectIntent) (*collector.ConnectResponse, error)
	terminate func(ctx context.Context, c *connection, e event, reason string) (ended peerPath, _ error)
	doubt     func(c *connection, says string)                              // the peer is connected with another process under the id of this collector
	reach     func(ctx context.Context, w connectIntent) (*peerLink, error) // dials and greets
}

// later dials a stale connection again in the background, if this side is the one to do it. The state lock is held.
func (r *redialer) later(c *connection) {
	if c.redial.running || c.state() != stateStale || !c.record.GetIsInitiator() {
		return
	}
	ctx, cancel := context.WithCancel(r.life.Context())
	c.redial.running = r.life.Spawn(func(context.Context) {
		defer cancel()
		r.redial(ctx, c)
	})
	c.redial.stop = cancel
}

// laterAll is later for all connections.
func (r *redialer) laterAll() {
	r.dir.mu.Lock()
	defer r.dir.mu.Unlock()
	for _, c := range r.dir.known() {
		r.later(c)
	}
}

// redial dials until the connection is no longer stale, by its own doing or anybody else's.
func (r *redialer) redial(ctx context.Context, c *connection) {
	for attempt := 0; ; attempt++ {
		w, wait, ok := r.next(ctx, c, attempt)
		if !ok {
			return
		}
		if !sleepUnlessNudged(ctx, c.redial.nudged, wait) {
			continue // next sees why
		}
		if err := r.dial(ctx, c, w); err != nil {
			r.failed(ctx, c, attempt, err)
		}
	}
}

// next says what to dial and after what wait, or that there is nothing to dial any more: then the redial has ended and a
// later loss starts a new one.
func (r *redialer) next(ctx context.Context, c *connection, attempt int) (w connectIntent, wait time.Duration, ok bool) {
	r.dir.mu.Lock()
	defer r.dir.mu.Unlock()
	if ctx.Err() != nil || c.state() != stateStale {
		c.redial.running = false
		return connectIntent{}, 0, false
	}
	return intentAgain(c), untilDial(time.Now(), c.redial.last, backoff(attempt, rand.Float64())), true //nolint:gosec // jitter is no secret
}

func (r *redialer) dial(ctx context.Context, c *connection, w connectIntent) error {
	r.dir.mu.Lock()
	stale := c.state() == stateStale
	if stale {
		c.redial.last = time.Now()
	}
	r.dir.mu.Unlock()
	if !stale {
		return nil
	}
	return r.dialOnce(ctx, w)
}

func (r *redialer) dialOnce(ctx context.Context, w connectIntent) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	_, err := r.connect(ctx, w)
	return err
}

// failed tells whoever looks at the table why, and gives up if the peer refused for good.
func (r *redialer) failed(ctx context.Context, c *connection, attempt int, err error) {
	if ctx.Err() != nil {
		return
	}
	if e, final := finality(err); final {
		if _, err := r.terminate(ctx, c, e, errorText(err)); err != nil {
			r.logger.Error("a refused connection could not be closed", "peer", c.peer, "error", err)
		}
		return
	}
	r.logger.Log(ctx, levelOf(attempt), "dialling again failed", "peer", c.peer, "attempt", attempt, "error", err)
	r.dir.mu.Lock()
	defer r.dir.mu.Unlock()
	c.trouble = errorText(err)
	if c.state() != stateStale {
		return
	}
	r.dir.publish(c)
	if errors.Is(err, errInUse) {
		r.doubt(c, c.peer+" says: "+c.trouble)
	}
}

// follow finds out whether a peer that this side had dialled has moved: it has come by itself and says that it is elsewhere. It is
// dialled there from now on if it is not to be found where it was, and proves there that it is the same process.
func (r *redialer) follow(c *connection, l *peerLink, claimed string) {
	r.dir.mu.Lock()
	defer r.dir.mu.Unlock()
	at := c.record.GetAddress()
	if l == nil || !l.final() || !c.record.GetIsInitiator() || claimed == "" || claimed == at {
		return
	}
	r.life.Spawn(func(ctx context.Context) {
		switch {
		case r.finds(ctx, at, l):
		case r.finds(ctx, claimed, l):
			r.move(c.id, l, claimed)
		default:
			r.logger.Warn("a peer is neither where it was dialled nor where it says that it is: connect to its address by hand if it has moved",
				"peer", l.peer.CollectorID, "dialed", at, "says", claimed)
		}
	})
}

// finds reports whether the process at the other end of a link is to be found at an address.
func (r *redialer) finds(ctx context.Context, address string, l *peerLink) bool {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	found, err := r.reach(ctx, connectIntent{address: address, peer: l.peer.CollectorID})
	if err != nil {
		return false
	}
	found.link.Close("it was found where it says that it is")
	return found.peer.SessionID == l.peer.SessionID && found.peer.Key.Equal(l.peer.Key)
}

// move makes an address the one that is dialled, if the connection still has the link. The record follows.
func (r *redialer) move(connectionID string, l *peerLink, address string) {
	c, err := r.dir.byID(connectionID)
	if err != nil {
		return
	}
	defer r.dir.drop(c)
	r.dir.mu.Lock()
	defer r.dir.mu.Unlock()
	if c.live != l || !c.record.GetIsInitiator() {
		return
	}
	r.logger.Info("a peer has moved, and is dialled there from now on", "peer", c.peer, "from", c.record.GetAddress(), "to", address)
	record := proto.CloneOf(c.record)
	record.Address = address
	r.dir.setRecord(c, record)
	c.dirty = true
	r.dir.publish(c)
}

// nudge makes the redial of a connection try now: its peer has shown itself.
func (r *redialer) nudge(c *connection) {
	select {
	case c.redial.nudged <- struct{}{}:
	default:
	}
}

// renew agrees anew with a peer that is up, in the background and not more often than it would be dialled. The state lock
// is held.
func (r *redialer) renew(c *connection) {
	if untilDial(time.Now(), c.redial.last, 0) > 0 {
		return
	}
	c.redial.last = time.Now()
	w := intentAgain(c)
	r.life.Spawn(func(ctx context.Context) {
		if err := r.dialOnce(ctx, w); err != nil {
			r.logger.Info("the connection was not renewed", "peer", c.peer, "error", err)
		}
	})
}

// renewLink makes another link in the place of one whose certificates expire, in the background, while that one carries on.
func (r *redialer) renewLink(l *peerLink) {
	r.dir.mu.Lock()
	defer r.dir.mu.Unlock()
	c := r.dir.conns[l.peer.CollectorID]
	if c == nil || c.live != l || !c.record.GetIsInitiator() {
		return
	}
	c.redial.last = time.Now()
	w := intentAgain(c)
	w.fresh = true
	r.life.Spawn(func(ctx context.Context) {
		if err := r.dialOnce(ctx, w); err != nil {
			r.logger.Warn("a link whose certificates expire was not renewed yet", "peer", c.peer, "expires", l.way.Expires, "error", err)
		}
	})
}

// finality says whether dialling again can mend an error, and if not what becomes of the connection. Only the verdict
// of the very peer is final: whatever else answers at its address may be gone tomorrow.
func finality(err error) (event, bool) {
	if !errors.Is(err, errVerdict) {
		return 0, false
	}
	if errors.Is(err, errDisconnected) {
		return eventDisconnected, true
	}
	switch connect.CodeOf(err) {
	case connect.CodeInvalidArgument, connect.CodePermissionDenied, connect.CodeUnauthenticated:
		return eventRefused, true
	}
	return 0, false
}

// sleep waits, and reports whether ctx is still alive after it.
func sleep(ctx context.Context, d time.Duration) bool { return sleepUnlessNudged(ctx, nil, d) }

// sleepUnlessNudged waits no longer than it must for a peer that has shown itself.
func sleepUnlessNudged(ctx context.Context, nudged <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-nudged:
		return sleep(ctx, min(d, dialInterval))
	case <-ctx.Done():
		return false
	}
}

// levelOf keeps a peer that cannot be reached for long from filling the log: the first failure is news, the rest is
// detail.
func levelOf(attempt int) slog.Level {
	if attempt == 0 {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}
