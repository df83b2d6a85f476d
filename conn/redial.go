package conn

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect/v2"
)

// redialLater dials a stale connection again in the background, if this side is the one to do it. m.mu is held.
func (m *Manager) redialLater(c *connection) {
	if c.redialing || c.state() != stateStale || !c.record.GetIsInitiator() {
		return
	}
	ctx, cancel := context.WithCancel(m.ctx)
	c.redialing = m.spawnLocked(func() {
		defer cancel()
		m.redial(ctx, c)
	})
	c.stopDial = cancel
}

// redial dials until the connection is no longer stale, by its own doing or anybody else's.
func (m *Manager) redial(ctx context.Context, c *connection) {
	for attempt := 0; ; attempt++ {
		w, wait, ok := m.nextDial(ctx, c, attempt)
		if !ok {
			return
		}
		if !c.sleep(ctx, wait) {
			continue // nextDial sees why
		}
		if err := m.dialAgain(ctx, c, w); err != nil {
			m.dialFailed(ctx, c, attempt, err)
		}
	}
}

// nextDial says what to dial and after what wait, or that there is nothing to dial any more: then the redial has ended
// and a later loss starts a new one.
func (m *Manager) nextDial(ctx context.Context, c *connection, attempt int) (w wish, wait time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil || c.state() != stateStale {
		c.redialing = false
		return wish{}, 0, false
	}
	return c.wish(), untilDial(time.Now(), c.lastDial, backoff(attempt, rand.Float64())), true //nolint:gosec // jitter is no secret
}

// wish is what a redial asks for. Manager.mu is held.
func (c *connection) wish() wish {
	return wish{address: c.record.GetAddress(), offered: c.record.GetOfferedNamespaces(), peer: c.peer, again: true}
}

func (m *Manager) dialAgain(ctx context.Context, c *connection, w wish) error {
	m.mu.Lock()
	if c.state() != stateStale {
		m.mu.Unlock()
		return nil
	}
	c.lastDial = time.Now()
	m.mu.Unlock()
	return m.dialOnce(ctx, w)
}

func (m *Manager) dialOnce(ctx context.Context, w wish) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	_, err := m.connectOnce(ctx, w)
	return err
}

// dialFailed tells whoever looks at the table why, and gives up if the peer refused for good.
func (m *Manager) dialFailed(ctx context.Context, c *connection, attempt int, err error) {
	if ctx.Err() != nil {
		return
	}
	if e, final := finality(err); final {
		if _, err := m.terminate(ctx, c, e, errorText(err)); err != nil {
			m.logger.Error("a refused connection could not be closed", "peer", c.peer, "error", err)
		}
		return
	}
	m.logger.Log(ctx, levelOf(attempt), "dialling again failed", "peer", c.peer, "attempt", attempt, "error", err)
	m.mu.Lock()
	defer m.mu.Unlock()
	c.trouble = errorText(err)
	if c.state() == stateStale {
		m.publish(c)
	}
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

func errorText(err error) string {
	if own, ok := errors.AsType[*connect.Error](err); ok {
		return own.Message()
	}
	return err.Error()
}

// sleep waits, and reports whether ctx is still alive after it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// sleep is for a redial. Of a peer that has shown itself it waits no longer than it must. It reports whether it is time to
// dial.
func (c *connection) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.nudged:
		return sleep(ctx, min(d, dialInterval))
	case <-ctx.Done():
		return false
	}
}

// levelOf keeps a peer that is away for long from filling the log: the first failure is news, the rest is detail.
func levelOf(attempt int) slog.Level {
	if attempt == 0 {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}
