package seed

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/conn/internal/dial"
	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
)

// Carrier is the word for this way of carrying calls.
const Carrier = "seed"

// maxMessage bounds a message to or from a seed peer, as it does on links.
const maxMessage = 4 << 20

// Path carries calls to a peer that speaks only the seed's protocol.
// It is safe for concurrent use once Bind has been called.
type Path struct {
	expected  *identity.Expected
	http      *http.Transport
	transport connect.Transport
	client    collectorconnect.CollectiveDispatcherClient

	// Set by Bind, before the path is anybody else's.
	peer string
	lost func(p *Path, reason string)
}

// New makes a path to an address. Nothing is dialled before the first call; guard, if not nil, may then refuse the
// address that the name resolved to. peer, if known, is who must prove to be there.
func New(d *dial.Dialer, address, peer string, guard func(resolved string) error) *Path {
	p := &Path{expected: identity.Expect(peer)}
	p.http = d.HTTP2(guard, p.expected)
	p.transport = connecthttp.NewTransport(dial.WithoutRedirects(p.http), d.BaseURL(address), connecthttp.WithGRPC(),
		connecthttp.WithReadMaxBytes(maxMessage), connecthttp.WithSendMaxBytes(maxMessage))
	p.client = collectorconnect.NewCollectiveDispatcherClient(connect.NewClient(p.transport))
	return p
}

// Bind says whose path it is, and whom to tell when the peer cannot be reached any more. It is called once, before Open.
func (p *Path) Bind(peer string, lost func(p *Path, reason string)) { p.peer, p.lost = peer, lost }

// Connect asks the peer for a connection.
// It is made before Bind, to learn who is there.
func (p *Path) Connect(ctx context.Context, req *collector.ConnectRequest) (*collector.ConnectResponse, error) {
	return p.client.Connect(ctx, req)
}

// Proven is the collector that has proved to be there; empty while no proof is wanted.
func (p *Path) Proven() string { return p.expected.Proven() }

// Open starts a call in a shared namespace or, in namespace "", of the peer's own services.
func (p *Path) Open(ctx context.Context, of link.Call) (connect.ClientStream, error) {
	if of.Namespace == "" {
		return p.transport.NewClientStream(ctx, of.Spec)
	}
	return newCall(ctx, p.peer, p, of)
}

// Carrier is [Carrier].
func (p *Path) Carrier() string { return Carrier }

// RTT is unknown.
func (p *Path) RTT() time.Duration { return 0 }

// Retire closes the path.
func (p *Path) Retire(context.Context) { p.Close() }

// Close gives up the connections that no call uses.
// Calls that run go on; the path may be used again and dials anew.
func (p *Path) Close() { p.http.CloseIdleConnections() }

// serve makes the RPC of an envelope; the seed's own verdict is in the answer.
func (p *Path) serve(ctx context.Context, req *collector.ServeRequest) (*collector.ServeResponse, error) {
	answer, err := p.client.Serve(ctx, req)
	if err != nil {
		return nil, p.failed(ctx, err)
	}
	return answer, nil
}

// failed judges the error of an RPC. A peer that cannot be reached is lost until a redial finds it again; whether the
// call left is known only if not even a connection came about.
func (p *Path) failed(ctx context.Context, err error) error {
	own, ok := errors.AsType[*connect.Error](err)
	if !ok || own.IsRemote() || ctx.Err() != nil {
		return err
	}
	// A connection that breaks while the request is written comes out as canceled, although nobody canceled.
	if own.Code() != connect.CodeUnavailable && own.Code() != connect.CodeCanceled {
		return err
	}
	reason := "the peer cannot be reached: " + own.Message()
	p.lost(p, reason)
	p.Close()
	dial, notSent := errors.AsType[*net.OpError](err)
	notSent = notSent && dial.Op == "dial"
	return connect.Errorf(connect.CodeUnavailable, "collector %q: %s", p.peer, reason).
		WithCause(&link.Error{Sent: !notSent, Reason: reason})
}
