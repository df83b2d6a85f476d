package dispatcher

import (
	"context"
	"math/rand/v2"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/inprocess"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// pipeline takes calls to where they run, in two steps: decide, and run or open. All entrances go through it and add nothing
// but how calls look on their side.
type pipeline struct {
	self     string
	views    *views
	executor *executor
	peers    *peers
	// relay is peers.relay behind the server interceptors, for calls that have not met them yet.
	relay connect.ServerFunc
}

// find finds what a call by its path means, whose namespace may be empty, and the view by which it is decided.
func (p *pipeline) find(ctx context.Context, r *request) (*routing.Entry, *refusal.Refusal) {
	r.view = p.views.until(ctx, func(v *routing.View) *refusal.Refusal { return v.Refuses(r.Call) })
	r.route = r.view.Route
	namespace, e, refused := r.view.Find(r.Namespace, r.Procedure)
	if refused != nil {
		return nil, refused
	}
	r.Namespace, r.Found = namespace, e
	return e, nil
}

// answer takes a call whose messages go through as they are, and that find has found, to where it runs. Its context has it.
func (p *pipeline) answer(ctx context.Context, seen observation, r *request, stream connect.ServerStream) error {
	r.route.Tag(r.info.ResponseHeader())
	seen.caller = r.info.PeerAddr
	p.decide(r)
	switch {
	case r.decision.Local != nil:
		header.DropReserved(r.info.RequestHeader())
	case r.decision.Refusal != nil && r.spec.StreamType&connect.StreamTypeClient == 0:
		_ = stream.Receive(new(link.Raw)) // or the stream would be reset, see ingress
	}
	err := p.run(ctx, r, stream)
	seen.sized(r.info, r.spec.StreamType)
	seen.end(r.route, err)
	return err
}

// decide finds where a call goes, in the view of the request.
func (p *pipeline) decide(r *request) {
	r.route = r.view.Route
	r.decision = routing.Route(r.view, r.Call, p.balance())
}

// balance is what the next call's choice among equals goes by.
func (*pipeline) balance() routing.Balance {
	return routing.Balance{Turn: rand.Uint32(), Load: routing.UnderWay}
}

// run takes a decided call to where it runs, and its answer back: into stream, as *[link.Raw] if a peer runs it.
func (p *pipeline) run(ctx context.Context, r *request, stream connect.ServerStream) error {
	switch {
	case r.decision.Refusal != nil:
		return r.decision.Refusal.Err(p.self)
	case r.decision.Local != nil:
		return p.executor.run(ctx, r.decision.Local, r.info, stream)
	}
	if r.enveloped {
		return p.peers.relay(ctx, r, stream)
	}
	return p.relay(ctx, r.spec, stream)
}

// relayRequest is the innermost [connect.ServerFunc] of a forwarded call.
func (p *peers) relayRequest(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
	r := requestOf(ctx)
	if r == nil {
		return connect.NewError(connect.CodeInternal, "a server interceptor dropped the context of the call")
	}
	return p.relay(ctx, r, stream)
}

// open is run for a caller in this process, who gets the stream instead of giving one. onPeer is the call on a peer, if it is
// one, which may be recycled when stream is closed.
func (p *pipeline) open(ctx context.Context, r *request) (stream connect.ClientStream, onPeer *retryingCall, err error) {
	switch {
	case r.decision.Refusal != nil:
		return nil, nil, r.decision.Refusal.Err(p.self)
	case r.decision.Local != nil:
		return inprocess.Open(ctx, p.self, p.executor, r.decision.Local, r.info), nil, nil
	}
	return p.peers.openMirrored(ctx, r)
}
