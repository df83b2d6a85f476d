package conn

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// goodbyeTimeout bounds how long Disconnect tries to tell the peer.
const goodbyeTimeout = 2 * time.Second

// Disconnect closes a connection for good: nobody dials it again until one side connects by hand. failed records it as
// failed rather than closed. It is written to disk and the peer is told, if it can be reached within two seconds,
// before Disconnect returns; calls that are running get ten seconds to finish. Disconnecting twice is no error, and the
// first reason stays.
func (m *Manager) Disconnect(ctx context.Context, connectionID, reason string, failed bool) error {
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	c, err := m.byID(connectionID)
	if err != nil {
		return err
	}
	defer m.drop(c)
	e := eventDisconnected
	if failed {
		e = eventRefused
	}
	ended, err := m.terminate(ctx, c, e, reason)
	if s, ok := ended.(*session); ok {
		s.goodbye(c.id, reason)
	}
	m.retireSoon(ended)
	return err
}

// terminate closes a connection and returns the line it had, which the caller retires.
func (m *Manager) terminate(ctx context.Context, c *connection, e event, reason string) (ended line, _ error) {
	if err := c.turn.take(ctx); err != nil {
		return nil, errBusy(c, err)
	}
	defer c.turn.give()
	record, err := m.draftEnd(c, e, reason)
	if record == nil || err != nil {
		return nil, err
	}
	if err := m.write(ctx, record); err != nil {
		m.logger.Error("a connection could not be closed", "peer", c.peer, "error", err)
		return nil, errStore(err)
	}
	return m.commitEnd(c, record), nil
}

// draftEnd returns the record of a connection after its end, nil if it has ended before.
func (m *Manager) draftEnd(c *connection, e event, reason string) (*collector.Connection, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.state() == stateClosed && !c.record.GetDeparted() {
		return nil, nil //nolint:nilnil // nothing to do is not an error
	}
	record, ok := c.after(e, m.self.SessionID, reason)
	if !ok {
		return nil, connect.Errorf(connect.CodeFailedPrecondition, "connection %q is %s and cannot be %s", c.id, StateName(c.state()), e)
	}
	return record, nil
}

func (m *Manager) commitEnd(c *connection, record *collector.Connection) (ended line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ended = c.live
	m.setRecord(c, record)
	c.live, c.trouble, c.expected = nil, "", false
	if c.state() == stateClosed {
		c.said = said{} // somebody wanted the end; what failed is away
	}
	c.wire.clear()
	if c.stopDial != nil {
		c.stopDial()
	}
	if s, ok := ended.(*session); ok {
		s.terms.Store(&terms{conn: c}) // calls that run may finish, new ones share nothing
	}
	m.publish(c)
	m.logger.Info("disconnected", "peer", c.peer, "connection", c.id, "reason", record.GetCloseReason())
	return ended
}

// goodbye tells the peer that the connection was closed on purpose. Whoever cannot be told learns it when it dials
// again.
func (s *session) goodbye(connectionID, reason string) {
	ctx, cancel := context.WithTimeout(s.m.ctx, goodbyeTimeout)
	defer cancel()
	_, err := s.mesh().Disconnect(ctx, &meshv1.DisconnectRequest{ConnectionId: connectionID, Reason: reason})
	if err != nil {
		s.m.logger.Info("the peer could not be told of the end of the connection", "peer", s.peer.CollectorID, "error", err)
	}
}

// handleGoodbye closes the connection of the link that the call came over, and no other.
func (m *Manager) handleGoodbye(ctx context.Context, req *meshv1.DisconnectRequest) (*meshv1.DisconnectResponse, error) {
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	s, _ := ctx.Value(sessionKey{}).(*session) //nolint:errcheck // nil is refused
	if s == nil || s.terms.Load() == nil || s.terms.Load().conn.id != req.GetConnectionId() {
		return nil, connect.NewError(connect.CodePermissionDenied, "a peer can only disconnect itself")
	}
	c := s.terms.Load().conn
	if s.terms.Load().consumer {
		m.retireSoon(s)
		return new(meshv1.DisconnectResponse), nil
	}
	reason := fmt.Sprintf("disconnected by %s: %s", c.peer, printable(req.GetReason()))
	ended, err := m.terminate(ctx, c, eventDisconnected, reason)
	if err != nil {
		return nil, err
	}
	m.retireSoon(ended) // once this very call is answered
	return &meshv1.DisconnectResponse{Connection: m.copyOf(c)}, nil
}

// printable makes text from another collector fit for a log line and a table.
func printable(text string) string {
	const longest = 200
	clean := []rune(text)
	for i, r := range clean {
		if r < ' ' || r == 0x7f {
			clean[i] = ' '
		}
	}
	return string(clean[:min(len(clean), longest)])
}
