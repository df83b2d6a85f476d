package conn

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/conn/carrier"
	"github.com/collectiverpc/collective/conn/internal/dial"
	"github.com/collectiverpc/collective/conn/internal/identity"
	"github.com/collectiverpc/collective/conn/internal/introduction"
	"github.com/collectiverpc/collective/conn/internal/lifetime"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/status"
)

// connectTries bounds how often an agreement is tried that fails because of another link of the same pair. With the
// waits between them they take longer than a dead link goes unnoticed.
const connectTries = 5

// mostOfStranger is how large the first request on a link may be: the other end holds no more than 64 KiB for it, as memory, with
// the call.
const mostOfStranger = 24 << 10

// connector asks other collectors for connections.
type connector struct {
	dir        *directory
	admission  *admission
	links      *links
	agreements *agreements
	claims     *claims
	seeds      *seedConnector
	life       *lifetime.Lifetime
	logger     *slog.Logger
	// dial opens the byte stream of a link; tests put a network in memory in its place.
	dial func(ctx context.Context, address string, expected *identity.Expected) (io.ReadWriteCloser, error)
}

// intentOf checks what [Manager.ConnectTo] is asked for.
func (o *connector) intentOf(address string, namespaces []string) (connectIntent, error) {
	if err := introduction.CheckAddress(address); err != nil {
		return connectIntent{}, err
	}
	if address == o.dir.self.Address {
		return connectIntent{}, introduction.ErrSelf(o.dir.self.ID)
	}
	offered, err := introduction.CleanNamespaces(namespaces)
	if err != nil {
		return connectIntent{}, err
	}
	if len(offered) == 0 {
		offered = o.dir.self.Namespaces
	}
	return connectIntent{address: address, offered: offered}, nil
}

// connect brings a connection about. A peer that keeps another link says so; usually that link is this side's too by
// then, otherwise it is dying and a later try replaces it. A link that dies during the agreement may be an old one of
// which this side has only now learned that it is dead.
func (o *connector) connect(ctx context.Context, w connectIntent) (answer *collector.ConnectResponse, err error) {
	for try := range connectTries {
		answer, err = o.connectOnce(ctx, w)
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

func (o *connector) connectOnce(ctx context.Context, w connectIntent) (*collector.ConnectResponse, error) {
	if l := o.linkedAt(w.address); l != nil && !w.fresh {
		return o.connectOver(ctx, l, w)
	}
	l, err := o.dialLink(ctx, w)
	if errors.Is(err, carrier.ErrRefused) {
		return o.seeds.connect(ctx, w, err)
	}
	if err != nil {
		return nil, dial.Explain(w.address, explainRefusal(err))
	}
	answer, err := o.connectOver(ctx, l, w)
	if l.terms.Load() == nil {
		l.link.Close("the pair needs no further link") // or has come to no agreement
	}
	return answer, err
}

// linkedAt returns the link to the peer that this side dialled at an address, if it is up.
func (o *connector) linkedAt(address string) *peerLink {
	o.dir.mu.Lock()
	defer o.dir.mu.Unlock()
	for _, c := range o.dir.conns {
		if l := c.linked(); l != nil && c.record.GetIsInitiator() && c.record.GetAddress() == address {
			return l
		}
	}
	return nil
}

// dialLink dials a link and greets. The error of a peer that takes no links is carrier.ErrRefused.
func (o *connector) dialLink(ctx context.Context, w connectIntent) (*peerLink, error) {
	slot, err := o.admission.admit("")
	if err != nil {
		return nil, err
	}
	expected := identity.Expect(w.peer)
	stream, err := o.dial(ctx, w.address, expected)
	if err != nil {
		slot.release()
		return nil, expected.Verdict(err)
	}
	return o.links.greet(ctx, stream, origin{dialed: true, from: w.address, proven: expected.Proven(), way: expected.Way(), slot: slot})
}

// connectOver agrees on a connection over a link, or over the one that the pair has: only now the peer is known.
func (o *connector) connectOver(ctx context.Context, l *peerLink, w connectIntent) (*collector.ConnectResponse, error) {
	if err := w.checkPeer(l.peer.CollectorID); err != nil {
		return nil, err
	}
	c, err := o.dir.hold(l.peer.CollectorID)
	if err != nil {
		return nil, err
	}
	defer o.dir.drop(c)
	if err := c.take(ctx, c.dialing); err != nil {
		return nil, err
	}
	defer c.dialing.Release(1)
	l, next := o.prepare(c, l, w)
	if err := o.claims.admit(ctx, c, l); err != nil {
		return nil, err // it must not even be asked
	}
	if err := o.agreeOver(ctx, c, l, w); err != nil {
		return nil, err
	}
	o.dir.await(l, func() bool { return l.revision >= next || c.live != l })
	o.logger.Info("connected", "peer", c.peer, "connection", c.id, "address", w.address)
	return answerOf(o.dir, c), nil
}

// prepare chooses the link to agree over, the one that is up if it is of the peer's present session and does as well. next is
// the revision of the catalog that the peer tells after an agreement that begins now.
func (o *connector) prepare(c *connection, l *peerLink, w connectIntent) (_ *peerLink, next uint64) {
	o.dir.mu.Lock()
	defer o.dir.mu.Unlock()
	if up := c.linked(); up != nil && !w.fresh && up.peer.SessionID == l.peer.SessionID && up.peer.Key.Equal(l.peer.Key) {
		l = up
	}
	l.address = w.address
	return l, l.revision + 1
}

// ask calls Connect over a link. What is too much to be said by a stranger follows an agreement that shares nothing.
func (o *connector) ask(ctx context.Context, l *peerLink, w connectIntent) (*collector.ConnectResponse, error) {
	req, client := w.request(o.dir.self), l.dispatcher()
	if l.terms.Load() == nil && proto.Size(req) > mostOfStranger {
		first := w
		first.offered = nil
		begin := first.request(o.dir.self)
		begin.Metadata[metaMore] = "true"
		if answer, err := client.Connect(ctx, begin); err != nil || agreementError(answer, l.peer.CollectorID) != nil {
			return answer, err
		}
	}
	return client.Connect(ctx, req)
}

// agreeOver calls Connect over a link, and records what was agreed.
func (o *connector) agreeOver(ctx context.Context, c *connection, l *peerLink, w connectIntent) error {
	answer, err := o.ask(ctx, l, w)
	if err != nil {
		return dial.Explain(w.address, status.Reauthor(err))
	}
	shared, err := w.checkAnswer(answer, c.peer)
	if err != nil && !l.final() {
		return connect.NewError(connect.CodeOf(err), errorText(err)) // whoever it is, it does not speak for the peer
	}
	if err != nil {
		return err
	}
	a := agreement{path: l, address: w.address, shared: shared, dialed: true, offered: w.offered, again: w.again}
	a.entrance = o.dir.self.Consumer && answer.GetStatus().GetDetails()[detailEntrance] != ""
	err = o.agreements.agree(ctx, c, a)
	if err != nil && l.terms.Load() == nil {
		o.undo(c, l, err)
	}
	return err
}

// undo takes an agreement back in which the peer believes by now. Only what somebody wanted ends the connection there: whatever
// else came between, such as a store that is full, may be mended in a moment, so that to the peer the link is lost, and either
// side may connect again. The caller may be gone: the peer is told all the same.
func (o *connector) undo(c *connection, l *peerLink, why error) {
	reason := "not agreed after all: " + errorText(why)
	if errors.Is(why, errDisconnected) {
		l.goodbye(o.life.Context(), c.id, reason)
		return
	}
	l.link.Close(reason)
}
