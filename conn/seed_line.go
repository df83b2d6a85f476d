package conn

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

// maxMessage bounds a message to or from a seed peer, as it does on links.
const maxMessage = 4 << 20

// seedLine carries calls to a peer that speaks only the seed's protocol: gRPC over HTTP/2, a call as unary Serve.
type seedLine struct {
	m         *Manager
	conn      *connection // set before the line is anybody else's
	expected  *pin
	http      *http.Transport
	transport connect.Transport
	client    collectorconnect.CollectiveDispatcherClient
}

// newSeedLine makes a line to an address. Nothing is dialled before the first call; guard, if not nil, may then refuse
// the address that the name resolved to. peer, if known, is who must answer there.
func (m *Manager) newSeedLine(address, peer string, guard func(resolved string) error) *seedLine {
	l := &seedLine{m: m, expected: newPin(peer)}
	l.http = m.http2(guard, l.expected)
	l.transport = connecthttp.NewTransport(withoutRedirects(l.http), m.baseURL(address), connecthttp.WithGRPC(),
		connecthttp.WithReadMaxBytes(maxMessage), connecthttp.WithSendMaxBytes(maxMessage))
	l.client = collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(l.transport))
	return l
}

func (l *seedLine) open(ctx context.Context, call link.Call) (connect.ClientStream, error) {
	if call.Namespace == "" {
		return l.transport.NewClientStream(ctx, call.Spec)
	}
	return newSeedCall(ctx, l, call)
}

func (l *seedLine) carrier() string { return CarrierSeed }

func (l *seedLine) retire(context.Context) { l.close() }

// close gives up the connections that no call uses.
func (l *seedLine) close() { l.http.CloseIdleConnections() }

// failed judges the error of an RPC. A peer that cannot be reached is lost until a redial finds it again; whether the
// call left is known only if not even a connection came about.
func (l *seedLine) failed(ctx context.Context, err error) error {
	own, ok := errors.AsType[*connect.Error](err)
	if !ok || own.IsRemote() || ctx.Err() != nil {
		return err
	}
	// A connection that breaks while the request is written comes out as canceled, although nobody canceled.
	if own.Code() != connect.CodeUnavailable && own.Code() != connect.CodeCanceled {
		return err
	}
	reason := "the peer cannot be reached: " + own.Message()
	l.m.loseLine(l.conn, l, reason)
	l.close()
	dial, notSent := errors.AsType[*net.OpError](err)
	notSent = notSent && dial.Op == "dial"
	return connect.Errorf(connect.CodeUnavailable, "collector %q: %s", l.conn.peer, reason).
		WithCause(&link.Error{Sent: !notSent, Reason: reason})
}

// connectSeed connects to a collector that takes no links. refused is why it does not.
func (m *Manager) connectSeed(ctx context.Context, w wish, refused error) (*collector.ConnectResponse, error) {
	l := m.newSeedLine(w.address, w.peer, nil)
	answer, err := m.connectSeedOver(ctx, l, w, refused)
	if err != nil {
		l.close()
	}
	return answer, err
}

func (m *Manager) connectSeedOver(ctx context.Context, l *seedLine, w wish, refused error) (*collector.ConnectResponse, error) {
	req := m.request(w)
	req.Metadata[metaLinks] = "refused"
	answer, err := l.client.Connect(ctx, req)
	if err != nil {
		return nil, connect.Errorf(connect.CodeFailedPrecondition,
			"what answers at %s is not a collector (%v; Connect by gRPC: %v): check the address and the port, "+
				"and that what is on the way lets an HTTP Upgrade or HTTP/2 through", w.address, refused, err).
			WithCause(errors.Join(refused, err))
	}
	if err := agreementError(answer, w.peer); err != nil {
		return nil, err
	}
	return m.agreeSeed(ctx, l, answer, w)
}

func (m *Manager) agreeSeed(
	ctx context.Context, l *seedLine, answer *collector.ConnectResponse, w wish,
) (*collector.ConnectResponse, error) {
	peer, err := m.nameAnswerer(answer, w.address)
	if err != nil {
		return nil, err
	}
	if w.peer != "" && w.peer != peer {
		return nil, errOther(w, peer)
	}
	if err := m.checkProof(l.expected.proven(), peer); err != nil {
		return nil, err
	}
	c, err := m.hold(peer)
	if err != nil {
		return nil, err
	}
	defer m.drop(c)
	l.conn = c
	a := agreement{
		line: l, seed: true,
		address: w.address, shared: m.sharedWithSeed(answer, peer, w), dialed: true, offered: w.offered, again: w.again,
	}
	if err := m.agree(ctx, c, a); err != nil {
		return nil, err
	}
	m.logger.Info("connected by the seed's protocol", "peer", peer, "connection", c.id, "address", w.address, "shared", a.shared)
	return m.answerOf(c), nil
}

// sharedWithSeed is what a seed peer shares of what it was offered. What it names beside that is left out: it has no rule
// for what to answer, and calls cross only in what both have.
func (m *Manager) sharedWithSeed(answer *collector.ConnectResponse, peer string, w wish) []string {
	named := slices.Compact(slices.Sorted(slices.Values(answer.GetSharedNamespaces())))
	shared := intersect(named, w.offered)
	if len(shared) < len(named) {
		m.logger.Warn("a peer wants to share namespaces that were not offered: they are left out", "peer", peer, "it_names", len(named), "shared", shared)
	}
	return shared
}

// seedBack returns the line back to a seed peer that connected, nil if its address may not be dialled.
func (m *Manager) seedBack(c *connection, address string) line {
	if len(m.dialBack) == 0 || address == "" {
		return nil
	}
	l := m.newSeedLine(address, c.peer, m.checkDialBack)
	l.conn = c
	return l
}

// checkDialBack refuses a resolved address outside the allowed prefixes.
func (m *Manager) checkDialBack(resolved string) error {
	to, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return err
	}
	for _, allowed := range m.dialBack {
		if allowed.Contains(to.Addr().Unmap()) {
			return nil
		}
	}
	return errDialBack
}

var errDialBack = errors.New("the address that the peer claims is not in a network that may be dialled back")
