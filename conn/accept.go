package conn

import (
	"cmp"
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/gen/collector"
)

// Keys of ConnectRequest.metadata.
const (
	// metaCollectorID names the caller, as in the seed. It may be absent, see nameCaller.
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
	if s := asked.consumer(req, m.consumers); s != nil {
		return s.acceptConsumer(asked)
	}
	c, err := m.hold(asked.peer)
	if err != nil {
		return nil, err
	}
	defer m.drop(c)
	if asked.session == nil && m.dialedAsSeed(c) {
		return m.answerSeed(c, asked), nil
	}
	a := agreement{
		seed:    asked.session == nil,
		address: asked.address,
		shared:  intersect(asked.namespaces, m.offers(c)),
		again:   req.GetMetadata()[metaAgain] != "",
	}
	if asked.session != nil {
		a.line = asked.session
	} else {
		a.line = m.seedBack(c, asked.address)
	}
	if a.line == nil {
		if err := m.boundOneWay(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := m.agree(ctx, c, a); err != nil {
		return nil, err
	}
	m.logger.Info("connection accepted", "peer", c.peer, "connection", c.id, "shared", a.shared, "link", !a.seed,
		"named_here", asked.knownAs != "", "left_out", asked.leftOut)
	return &collector.ConnectResponse{
		Status: asked.status(), ConnectionId: c.id, SharedNamespaces: a.shared, TargetCollectorId: m.self.ID,
	}, nil
}

// asked is a ConnectRequest that was checked.
type asked struct {
	remarks
	peer       string
	address    string // where the peer claims to be; empty if it does not say
	namespaces []string
	session    *session // nil: it came over plain HTTP
}

func (m *Manager) readRequest(ctx context.Context, req *collector.ConnectRequest) (a asked, err error) {
	a.session, _ = ctx.Value(sessionKey{}).(*session)
	if a.session != nil {
		return a, m.readLinked(req, &a)
	}
	return a, m.readLinkless(ctx, req, &a)
}

// readLinked reads who asks over a link: the one that greeted. It runs this code, so whatever it must not say is a fault
// or an attack, and refuses all.
func (m *Manager) readLinked(req *collector.ConnectRequest, a *asked) (err error) {
	greeted := a.session.peer.CollectorID
	a.peer, a.address = cmp.Or(req.GetMetadata()[metaCollectorID], greeted), req.GetAddress()
	if err := checkPeerID(m.self.ID, a.peer); err != nil {
		return err
	}
	if a.peer != greeted {
		return connect.Errorf(connect.CodePermissionDenied,
			"the link is collector %q's, the request says collector_id %q: they must be the same", greeted, a.peer)
	}
	if err := m.checkProof(a.session.proven, a.peer); err != nil {
		return err
	}
	if a.address != "" {
		if err := checkAddress(a.address); err != nil {
			return err
		}
	}
	a.namespaces, err = cleanNamespaces(req.GetNamespaces())
	return err
}

// readLinkless reads who asks without a link: a collector of the seed's contract, which has no rule for names. What
// cannot be used here is left out, and said in the answer.
func (m *Manager) readLinkless(ctx context.Context, req *collector.ConnectRequest, a *asked) error {
	proven, err := m.identify(tlsOf(ctx))
	if err != nil {
		return err
	}
	a.peer = m.nameCaller(ctx, req, proven, &a.remarks)
	if err := checkPeerID(m.self.ID, a.peer); err != nil {
		return err
	}
	if err := m.checkProof(proven, a.peer); err != nil {
		return err
	}
	if err := m.checkLinkless(a.peer, req); err != nil {
		return err
	}
	a.address = a.takeAddress(req.GetAddress())
	a.namespaces, err = a.takeNamespaces(req.GetNamespaces())
	return err
}

// checkLinkless refuses a claim without a link that could harm a connection with one: anybody can send a plain request.
func (m *Manager) checkLinkless(peer string, req *collector.ConnectRequest) error {
	if req.GetMetadata()[metaLinks] != "" {
		return connect.Errorf(connect.CodeUnavailable,
			"collector %q accepts links, and yours did not get through: something on the way refuses the upgrade at %s and the RPC %s; "+
				"let one of them pass", m.self.ID, carrier.UpgradePath, carrier.CarryPath)
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
