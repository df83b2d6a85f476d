package conn

import (
	"context"
	"log/slog"
	"slices"

	"github.com/collectiverpc/collective/conn/internal/seed"
	"github.com/collectiverpc/collective/gen/collector"
)

// acceptor answers other collectors that ask for a connection.
type acceptor struct {
	dir        *directory
	requests   *requestReader
	agreements *agreements
	consumers  *consumers
	seeds      *seedConnector
	redialer   *redialer
	oneWay     int // how many one-way connections there may be
	logger     *slog.Logger
}

// answer answers a Connect: a refusal is a Status too.
func (p *acceptor) answer(ctx context.Context, req *collector.ConnectRequest) *collector.ConnectResponse {
	answer, err := p.accept(ctx, req)
	if err != nil {
		p.logger.Info("connection refused", "peer", req.GetMetadata()[metaCollectorID], "error", err)
		return p.refusal(err)
	}
	return answer
}

func (p *acceptor) refusal(err error) *collector.ConnectResponse {
	return &collector.ConnectResponse{Status: refusalStatus(err), TargetCollectorId: p.dir.self.ID}
}

func (p *acceptor) accept(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	asked, err := p.requests.read(ctx, req)
	if err != nil {
		return nil, err
	}
	if p.consumers.asks(&asked, req) {
		return p.consumers.accept(&asked)
	}
	c, err := p.dir.hold(asked.peer)
	if err != nil {
		return nil, err
	}
	defer p.dir.drop(c)
	if asked.link == nil && p.dialedAsSeed(c) {
		return p.answerSeed(c, asked), nil
	}
	return p.agree(ctx, c, asked, req.GetMetadata())
}

// agree agrees on what was asked for.
func (p *acceptor) agree(ctx context.Context, c *connection, asked asked, said map[string]string) (*collector.ConnectResponse, error) {
	if said[metaMore] != "" {
		asked.namespaces = p.dir.sharedNow(c)
	}
	a := agreement{
		seed:     asked.link == nil,
		address:  asked.address,
		shared:   intersect(asked.namespaces, p.dir.offers(c)),
		again:    said[metaAgain] != "",
		volatile: asked.link == nil && !p.requests.proof.Required(),
	}
	if asked.link != nil {
		a.path = asked.link
	} else {
		a.path = p.seeds.pathBack(c.peer, asked.address)
	}
	if a.path == nil {
		if err := p.boundOneWay(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := p.agreements.agree(ctx, c, a); err != nil {
		return nil, err
	}
	p.logger.Info("connection accepted", "peer", c.peer, "connection", c.id, "shared", a.shared, "link", !a.seed,
		"named_here", asked.KnownAs != "", "left_out", asked.LeftOut)
	p.redialer.follow(c, asked.link, asked.address)
	return p.agreed(c, asked, a.shared), nil
}

func (p *acceptor) agreed(c *connection, asked asked, shared []string) *collector.ConnectResponse {
	return &collector.ConnectResponse{
		Status: asked.Status(), ConnectionId: c.id, SharedNamespaces: shared, TargetCollectorId: p.dir.self.ID,
	}
}

// dialedAsSeed reports whether this side has connected to a seed peer by itself, up or not, and nobody has disconnected
// it. Such a peer connects from its side as well, to be able to call, and again when it has restarted.
func (p *acceptor) dialedAsSeed(c *connection) bool {
	p.dir.mu.Lock()
	defer p.dir.mu.Unlock()
	if !c.seed || !c.record.GetIsInitiator() {
		return false
	}
	_, up := c.live.(*seed.Path)
	return up || c.state() == stateStale
}

// answerSeed answers the Connect of a peer that this side has dialled: for this collector and with the namespaces of this
// very request, which the peer may make another one each time it starts. The connection stays as it is, since anybody
// can send a plain request; but it is a reason to ask the peer at the address where it was dialled.
func (p *acceptor) answerSeed(c *connection, asked asked) *collector.ConnectResponse {
	p.dir.mu.Lock()
	defer p.dir.mu.Unlock()
	shared := intersect(asked.namespaces, c.hasOffered(p.dir.self.Namespaces))
	if c.state() == stateStale {
		p.redialer.nudge(c)
	} else if !slices.Equal(shared, c.record.GetSharedNamespaces()) {
		p.redialer.renew(c)
	}
	return p.agreed(c, asked, shared)
}

// boundOneWay makes room for one more one-way connection than there are without c. A seed peer that connected and may not
// be dialled back has no path that could be lost, and anybody can be one under any id: only a bound ends its connection,
// or such connections would take the place of all others. Those agreed longest ago become stale: their peers may connect
// again, and their calls need no connection.
func (p *acceptor) boundOneWay(ctx context.Context, c *connection) error {
	for {
		oldest := p.holdOldestOneWay(c)
		if oldest == nil {
			return nil
		}
		err := p.agreements.endOneWay(ctx, oldest)
		p.dir.drop(oldest)
		if err != nil {
			return err
		}
	}
}

// holdOldestOneWay holds the one-way connection that was agreed first, if there are as many without c as there may be.
func (p *acceptor) holdOldestOneWay(c *connection) (oldest *connection) {
	p.dir.mu.Lock()
	defer p.dir.mu.Unlock()
	count := 0
	for _, other := range p.dir.conns {
		if other == c || !other.oneWay() || other.record.GetIsInitiator() {
			continue
		}
		count++
		if oldest == nil || other.put < oldest.put {
			oldest = other
		}
	}
	if count < p.oneWay {
		return nil
	}
	oldest.users++
	return oldest
}
