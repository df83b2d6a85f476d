package conn

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/internal/dial"
	"github.com/collectiverpc/collective/conn/internal/seed"
	"github.com/collectiverpc/collective/gen/collector"
)

// seedConnector connects to peers that speak only the seed's protocol.
type seedConnector struct {
	dir        *directory
	agreements *agreements
	requests   *requestReader
	dialer     *dial.Dialer
	claims     *claims
	dialBack   []netip.Prefix // where a peer that connected may be called at the address that it claims
	logger     *slog.Logger
}

// connect connects to a collector that takes no links. refused is why it does not.
func (s *seedConnector) connect(ctx context.Context, w connectIntent, refused error) (*collector.ConnectResponse, error) {
	path := seed.New(s.dialer, w.address, w.peer, nil)
	answer, err := s.connectOver(ctx, path, w, refused)
	if err != nil {
		path.Close()
	}
	return answer, err
}

func (s *seedConnector) connectOver(ctx context.Context, path *seed.Path, w connectIntent, refused error) (*collector.ConnectResponse, error) {
	req := w.request(s.dir.self)
	req.Metadata[metaLinks] = "refused"
	answer, err := path.Connect(ctx, req)
	if err != nil {
		return nil, connect.Errorf(connect.CodeFailedPrecondition,
			"what answers at %s is not a collector (%v; Connect by gRPC: %v): check the address and the port, "+
				"and that what is on the way lets an HTTP Upgrade or HTTP/2 through", w.address, refused, err).
			WithCause(errors.Join(refused, err))
	}
	if err := agreementError(answer, w.peer); err != nil {
		return nil, err
	}
	return s.agree(ctx, path, answer, w)
}

func (s *seedConnector) agree(
	ctx context.Context, path *seed.Path, answer *collector.ConnectResponse, w connectIntent,
) (*collector.ConnectResponse, error) {
	peer, err := s.requests.nameAnswerer(answer, w.address)
	if err != nil {
		return nil, err
	}
	if err := w.checkPeer(peer); err != nil {
		return nil, err
	}
	if err := s.claims.proof.CheckProof(path.Proven(), peer); err != nil {
		return nil, err
	}
	if err := s.claims.checkLinkless(peer); err != nil {
		return nil, err
	}
	c, err := s.dir.hold(peer)
	if err != nil {
		return nil, err
	}
	defer s.dir.drop(c)
	s.bind(path, peer)
	a := agreement{
		path: path, seed: true,
		proof:   s.proofOf(),
		address: w.address, shared: s.shared(answer, peer, w), dialed: true, offered: w.offered, again: w.again,
	}
	if err := s.agreements.agree(ctx, c, a); err != nil {
		return nil, err
	}
	s.logger.Info("connected by the seed's protocol", "peer", peer, "connection", c.id, "address", w.address, "shared", a.shared)
	return answerOf(s.dir, c), nil
}

// proofOf is how a peer is proved that was dialled and has no link.
func (s *seedConnector) proofOf() Proof {
	switch {
	case s.claims.proof.Required():
		return ProofCertificate
	case s.dialer.TLS == nil && s.dialer.Plaintext:
		return ProofNone // it may be anywhere, and anybody
	}
	return ProofDialled
}

func (s *seedConnector) bind(path *seed.Path, peer string) {
	path.Bind(peer, func(p *seed.Path, reason string) { s.agreements.losePath(peer, p, reason) })
}

// shared is what a seed peer shares of what it was offered. What it names beside that is left out: it has no rule for
// what to answer, and calls cross only in what both have.
func (s *seedConnector) shared(answer *collector.ConnectResponse, peer string, w connectIntent) []string {
	named := slices.Compact(slices.Sorted(slices.Values(answer.GetSharedNamespaces())))
	shared := intersect(named, w.offered)
	if len(shared) < len(named) {
		s.logger.Warn("a peer wants to share namespaces that were not offered: they are left out", "peer", peer, "it_names", len(named), "shared", shared)
	}
	return shared
}

// pathBack returns the path back to a seed peer that connected, nil if its address may not be dialled.
func (s *seedConnector) pathBack(peer, address string) peerPath {
	if len(s.dialBack) == 0 || address == "" {
		return nil
	}
	path := seed.New(s.dialer, address, peer, s.checkDialBack)
	s.bind(path, peer)
	return path
}

// checkDialBack refuses a resolved address outside the allowed prefixes.
func (s *seedConnector) checkDialBack(resolved string) error {
	to, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return err
	}
	for _, allowed := range s.dialBack {
		if allowed.Contains(to.Addr().Unmap()) {
			return nil
		}
	}
	return errDialBack
}

var errDialBack = errors.New("the address that the peer claims is not in a network that may be dialled back")
