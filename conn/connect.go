package conn

import (
	"context"
	"errors"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
)

// connectTries bounds how often an agreement is tried that fails because of another link of the same pair. With the
// waits between them they take longer than a dead link goes unnoticed.
const connectTries = 5

// wish is what this side wants of a connection.
type wish struct {
	address string
	offered []string // sorted
	peer    string   // for a redial: who must answer
	again   bool     // a redial asks, not a person
}

// ConnectTo connects to the collector at address (host:port), offering namespaces, by default all of this collector's.
// When it returns, the connection is on disk on both sides, calls can go both ways, and the peer's catalog is in the
// table (unless the peer takes longer than two seconds to tell it). The attempt ends with ctx or after ten seconds.
//
// A peer that is connected already stays connected by the same link, with the namespaces agreed anew. From now on this
// collector dials again whenever the connection is lost, until [Manager.Disconnect].
func (m *Manager) ConnectTo(ctx context.Context, address string, namespaces []string) (*collector.ConnectResponse, error) {
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	if address == m.self.Address {
		return nil, errSelf(m.self.ID)
	}
	offered, err := cleanNamespaces(namespaces)
	if err != nil {
		return nil, err
	}
	if len(offered) == 0 {
		offered = m.self.Namespaces
	}
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return m.connect(ctx, wish{address: address, offered: offered})
}

// connect brings a connection about. A peer that keeps another link says so; usually that link is this side's too by
// then, otherwise it is dying and a later try replaces it. A link that dies during the agreement may be an old one of
// which this side has only now learned that it is dead.
func (m *Manager) connect(ctx context.Context, w wish) (answer *collector.ConnectResponse, err error) {
	for try := range connectTries {
		answer, err = m.connectOnce(ctx, w)
		if !errors.Is(err, errDuplicate) && !linkFailed(err) || !sleep(ctx, backoff(try+1, 1)) {
			break
		}
	}
	return answer, err
}

func linkFailed(err error) bool {
	_, ok := errors.AsType[*link.Error](err)
	return ok
}

func (m *Manager) connectOnce(ctx context.Context, w wish) (*collector.ConnectResponse, error) {
	if s := m.linkedAt(w.address); s != nil {
		return m.connectOver(ctx, s, w)
	}
	s, err := m.dialLink(ctx, w)
	if errors.Is(err, carrier.ErrRefused) {
		return m.connectSeed(ctx, w, err)
	}
	if err != nil {
		return nil, explainDial(w.address, err)
	}
	answer, err := m.connectOver(ctx, s, w)
	if s.terms.Load() == nil {
		s.link.Close("the pair needs no further link") // or has come to no agreement
	}
	return answer, err
}

// connectOver agrees on a connection over a link, or over the one that the pair has: only now the peer is known.
func (m *Manager) connectOver(ctx context.Context, s *session, w wish) (*collector.ConnectResponse, error) {
	if w.peer != "" && w.peer != s.peer.CollectorID {
		return nil, errOther(w, s.peer.CollectorID)
	}
	c, err := m.hold(s.peer.CollectorID)
	if err != nil {
		return nil, err
	}
	defer m.drop(c)
	if err := c.dialing.take(ctx); err != nil {
		return nil, errBusy(c, err)
	}
	defer c.dialing.give()
	if other := m.linkOf(c, s.peer.SessionID); other != nil {
		s = other
	}
	if err := m.mayAgree(c, s, w); err != nil {
		return nil, err
	}
	next := m.nextRevision(s)
	if err := m.agreeOver(ctx, c, s, w); err != nil {
		return nil, err
	}
	s.awaitTable(func() bool { return s.revision >= next || c.live != s })
	m.logger.Info("connected", "peer", c.peer, "connection", c.id, "address", w.address)
	return m.answerOf(c), nil
}

// mayAgree refuses a peer that must not even be asked.
func (m *Manager) mayAgree(c *connection, s *session, w wish) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s.address = w.address
	return m.checkNamesake(c, s)
}

// nextRevision is that of the catalog which the peer tells after an agreement that begins now.
func (m *Manager) nextRevision(s *session) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return s.revision + 1
}

func errOther(w wish, found string) error {
	return connect.Errorf(connect.CodeFailedPrecondition,
		"collector %q answers at %s, not %q: connect to the address that %q has now", found, w.address, w.peer, w.peer)
}

// agreeOver calls Connect over a link, and records what was agreed.
func (m *Manager) agreeOver(ctx context.Context, c *connection, s *session, w wish) error {
	answer, err := s.dispatcher().Connect(ctx, m.request(w))
	if err != nil {
		return explainDial(w.address, status.Reauthor(err))
	}
	shared, err := m.checkAnswer(answer, c.peer, w)
	if err != nil {
		return err
	}
	a := agreement{line: s, address: w.address, shared: shared, dialed: true, offered: w.offered, again: w.again}
	a.entrance = m.self.Consumer && answer.GetStatus().GetDetails()[detailEntrance] != ""
	err = m.agree(ctx, c, a)
	if err != nil && s.terms.Load() == nil {
		s.goodbye(c.id, "not agreed after all: "+errorText(err)) // the peer believes in it by now
	}
	return err
}

func (m *Manager) request(w wish) *collector.ConnectRequest {
	req := &collector.ConnectRequest{
		Address:    m.self.Address,
		Namespaces: w.offered,
		Metadata:   map[string]string{metaCollectorID: m.self.ID},
	}
	if m.self.Consumer {
		req.Metadata[metaConsumer] = "true"
	}
	if w.again {
		req.Metadata[metaAgain] = "true"
	}
	return req
}

// checkAnswer returns what the peer agreed to share, or its refusal. It makes sure that the peer answered for itself and
// agreed to no more than it was offered.
func (m *Manager) checkAnswer(answer *collector.ConnectResponse, peer string, w wish) (shared []string, _ error) {
	if err := agreementError(answer, peer); err != nil {
		return nil, err
	}
	if answer.GetTargetCollectorId() != peer {
		return nil, errOther(wish{address: w.address, peer: peer}, answer.GetTargetCollectorId())
	}
	shared = slices.Compact(slices.Sorted(slices.Values(answer.GetSharedNamespaces())))
	for _, n := range shared {
		if _, offered := slices.BinarySearch(w.offered, n); !offered {
			return nil, connect.Errorf(connect.CodeFailedPrecondition,
				"collector %q wants to share namespace %.80q, which was not offered: it is not to be trusted", peer, n)
		}
	}
	return shared, nil
}

// answerOf is what ConnectTo returns: the connection as it is now, which another agreement may have changed meanwhile.
func (m *Manager) answerOf(c *connection) *collector.ConnectResponse {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &collector.ConnectResponse{
		Status:            status.OK(),
		ConnectionId:      c.id,
		SharedNamespaces:  slices.Clone(c.record.GetSharedNamespaces()),
		TargetCollectorId: c.peer,
	}
}

// linkedAt returns the link to the peer that this side dialled at an address, if it is up.
func (m *Manager) linkedAt(address string) *session {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conns {
		if s, ok := c.live.(*session); ok && c.record.GetIsInitiator() && c.record.GetAddress() == address {
			return s
		}
	}
	return nil
}

// linkOf returns the link to a peer if it is up and of the peer's present session.
func (m *Manager) linkOf(c *connection, sessionID string) *session {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := c.live.(*session)
	if !ok || s.peer.SessionID != sessionID {
		return nil
	}
	return s
}
