package conn

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
)

// Keys of ConnectRequest.metadata.
const (
	// metaCollectorID names the caller, as in the seed.
	metaCollectorID = "collector_id"
	// metaAgain is set by a collector that dials again by itself: such a call does not revive what was disconnected.
	metaAgain = "again"
	// metaLinks is set by a collector that speaks the link but had to fall back on the seed's protocol. Another one
	// that speaks it refuses then: something between the two is wrong, and a connection without a link would hide it.
	metaLinks = "links"
)

// HandleConnect answers another collector's Connect. Over a link it binds the link to the connection; over plain HTTP
// the caller is a seed peer without a link, and ctx that of the RPC, where [WithIdentity] finds its certificate. Like the
// RPC it answers, it puts refusals into the Status and returns no error for them.
func (m *Manager) HandleConnect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	ctx, end, err := m.begin(ctx)
	if err != nil {
		return m.refusal(err), nil
	}
	defer end()
	answer, err := m.accept(ctx, req)
	if err != nil {
		m.logger.Info("connection refused", "peer", req.GetMetadata()[metaCollectorID], "error", err)
		return m.refusal(err), nil
	}
	return answer, nil
}

func (m *Manager) refusal(err error) *collector.ConnectResponse {
	return &collector.ConnectResponse{Status: refusalStatus(err), TargetCollectorId: m.self.ID}
}

func (m *Manager) accept(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	asked, err := m.readRequest(ctx, req)
	if err != nil {
		return nil, err
	}
	c, err := m.hold(asked.peer)
	if err != nil {
		return nil, err
	}
	defer m.drop(c)
	if asked.session == nil && m.dialedAsSeed(c) {
		return m.answerSeed(c, asked.namespaces), nil
	}
	a := agreement{
		seed:    asked.session == nil,
		address: req.GetAddress(),
		shared:  intersect(asked.namespaces, m.offers(c)),
		again:   req.GetMetadata()[metaAgain] != "",
	}
	if asked.session != nil {
		a.line = asked.session
	} else {
		a.line = m.seedBack(c, req.GetAddress())
	}
	if a.line == nil {
		if err := m.boundOneWay(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := m.agree(ctx, c, a); err != nil {
		return nil, err
	}
	m.logger.Info("connection accepted", "peer", c.peer, "connection", c.id, "shared", a.shared, "link", !a.seed)
	return &collector.ConnectResponse{
		Status: status.OK(), ConnectionId: c.id, SharedNamespaces: a.shared, TargetCollectorId: m.self.ID,
	}, nil
}

// asked is a ConnectRequest that was checked.
type asked struct {
	peer       string
	namespaces []string
	session    *session // nil: it came over plain HTTP
}

func (m *Manager) readRequest(ctx context.Context, req *collector.ConnectRequest) (a asked, err error) {
	a.peer = req.GetMetadata()[metaCollectorID]
	a.session, _ = ctx.Value(sessionKey{}).(*session)
	if err := checkPeerID(m.self.ID, a.peer); err != nil {
		return a, err
	}
	if a.session != nil && a.session.peer.CollectorID != a.peer {
		return a, connect.Errorf(connect.CodePermissionDenied,
			"the link is collector %q's, the request says collector_id %q: they must be the same", a.session.peer.CollectorID, a.peer)
	}
	if err := m.checkSender(ctx, a); err != nil {
		return a, err
	}
	if req.GetAddress() != "" {
		if err := checkAddress(req.GetAddress()); err != nil {
			return a, err
		}
	}
	if a.session == nil {
		if err := m.checkLinkless(a.peer, req); err != nil {
			return a, err
		}
	}
	a.namespaces, err = cleanNamespaces(req.GetNamespaces())
	return a, err
}

// checkSender refuses who has not proved to be the peer that it says it is.
func (m *Manager) checkSender(ctx context.Context, a asked) error {
	if a.session != nil {
		return m.checkProof(a.session.proven, a.peer)
	}
	proven, err := m.identify(tlsOf(ctx))
	if err != nil {
		return err
	}
	return m.checkProof(proven, a.peer)
}

// checkLinkless refuses a claim without a link that could harm a connection with one: anybody can send a plain request.
func (m *Manager) checkLinkless(peer string, req *collector.ConnectRequest) error {
	if req.GetMetadata()[metaLinks] != "" {
		return connect.Errorf(connect.CodeUnavailable,
			"collector %q accepts links, and yours did not get through: something on the way refuses the upgrade at %s and the RPC %s; "+
				"let one of them pass", m.self.ID, link.UpgradePath, link.CarryPath)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.conns[peer]
	if !ok || c.record == nil {
		return nil
	}
	if _, linked := c.live.(*session); linked || c.record.GetIsInitiator() && !c.seed {
		return connect.Errorf(connect.CodeAlreadyExists, "collector %q is connected with %q by a link: disconnect that first", m.self.ID, peer)
	}
	return nil
}
