package call

import (
	"context"
	"math/rand/v2"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/authz"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/inprocess"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// Pipeline takes calls to where they run, in two steps: decide, and run or open. All entrances go through it and add nothing
// but how calls look on their side.
type Pipeline struct {
	Self     string
	Access   *authz.Authorizer
	Views    *Views
	Executor *Executor
	Peers    *Peers
	// Relay is Peers.RelayRequest behind the server interceptors, for calls that have not met them yet.
	Relay connect.ServerFunc
}

// Find finds what a call by its path means, whose namespace may be empty, and the view by which it is decided. A call that its
// caller may not make is refused.
func (p *Pipeline) Find(ctx context.Context, r *Request) (*routing.Entry, *refusal.Refusal) {
	r.View = p.Views.Until(ctx, func(v *routing.View) *refusal.Refusal { return v.Refuses(r.Call) })
	r.Route = r.View.Route
	namespace, e, refused := r.View.Find(r.Namespace, r.Procedure)
	if refused == nil {
		r.Namespace, r.Found = namespace, e
	}
	return e, p.Authorize(ctx, r, refused)
}

// Authorize refuses a call that its caller may not make. refused is what the router makes of the call: it is told only to
// who may know of such a method. It is asked once for a call, when its names are found.
func (p *Pipeline) Authorize(ctx context.Context, r *Request, refused *refusal.Refusal) *refusal.Refusal {
	if refused != nil {
		return p.Access.Known(ctx, r.Caller, r.Namespace, r.Procedure, refused)
	}
	return p.Access.Call(ctx, r.Caller, r.Namespace, r.Procedure)
}

// Answer takes a call whose messages go through as they are, and that Find has found, to where it runs. Its context has it.
func (p *Pipeline) Answer(ctx context.Context, seen Observation, r *Request, stream connect.ServerStream) error {
	r.Route.Tag(r.Info.ResponseHeader())
	seen.Caller = r.Info.PeerAddr
	seen.By(r.Caller)
	p.Decide(r)
	switch {
	case r.Decision.Local != nil:
		header.DropReserved(r.Info.RequestHeader())
	case r.Decision.Refusal != nil && r.Spec.StreamType&connect.StreamTypeClient == 0:
		_ = stream.Receive(new(link.Raw)) // or the stream would be reset, see ingress
	}
	err := p.Run(ctx, r, stream)
	seen.sized(r.Info, r.Spec.StreamType)
	seen.End(r.Route, err)
	return err
}

// Decide finds where a call goes, in the view of the request.
// It asks no view anew: what Find has found and what is decided here belong to one moment, so they never contradict.
func (p *Pipeline) Decide(r *Request) {
	r.Route = r.View.Route
	var balance routing.Balance
	if r.Call.Chooses() { // or the call would pay for a look at the clock
		balance = p.Balance()
	}
	r.Decision = routing.Route(r.View, r.Call, balance)
}

// Balance is what the next call's choice among peers goes by.
// The turn is random and not a counter: a counter would be a line of memory that all calls write to.
func (p *Pipeline) Balance() routing.Balance {
	return routing.Balance{Turn: rand.Uint64(), Now: p.Peers.Clock.Now()}
}

// Run takes a decided call to where it runs, and its answer back: into stream, as *[link.Raw] if a peer runs it.
func (p *Pipeline) Run(ctx context.Context, r *Request, stream connect.ServerStream) error {
	switch {
	case r.Decision.Refusal != nil:
		return r.Decision.Refusal.Err(p.Self)
	case r.Decision.Local != nil:
		return p.Executor.run(ctx, r.Caller, r.Decision.Local, r.Info, stream)
	}
	if r.Enveloped {
		return p.Peers.relay(ctx, r, stream)
	}
	return p.Relay(ctx, r.Spec, stream)
}

// RelayRequest is the innermost [connect.ServerFunc] of a forwarded call.
func (p *Peers) RelayRequest(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
	r := RequestOf(ctx)
	if r == nil {
		return connect.NewError(connect.CodeInternal, "a server interceptor dropped the context of the call")
	}
	return p.relay(ctx, r, stream)
}

// Open is run for a caller in this process, who gets the stream instead of giving one. onPeer is the call on a peer, if it is
// one, which may be recycled when stream is closed.
func (p *Pipeline) Open(ctx context.Context, r *Request) (stream connect.ClientStream, onPeer *RetryingCall, err error) {
	switch {
	case r.Decision.Refusal != nil:
		return nil, nil, r.Decision.Refusal.Err(p.Self)
	case r.Decision.Local != nil:
		return inprocess.Open(ctx, p.Self, p.Executor, r.Decision.Local, r.Info), nil, nil
	}
	return p.Peers.openMirrored(ctx, r)
}
