package authz

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// EntranceOf is the entrance of an RPC of the collector's own. An envelope is the entrance of the call that it brings, which
// policies may tell from one at its own path.
func EntranceOf(procedure string) observe.Entrance {
	switch procedure {
	case collectorconnect.CollectiveDispatcherDispatchProcedure:
		return observe.Dispatch
	case collectorconnect.CollectiveDispatcherServeProcedure:
		return observe.Serve
	}
	return Own
}

// Service refuses an RPC of the collector's own that its caller may not ask for, before its message is read. Of those whose
// right is in the message nothing is said yet: [Authorizer.Intercept] does. namespace is what the request names besides.
func (a *Authorizer) Service(ctx context.Context, c *access.Caller, procedure, namespace string) *refusal.Refusal {
	r := rightTo(procedure)
	if r.action == 0 || r.within != nil {
		return nil
	}
	return a.Authorize(ctx, c, r.action, access.Resource{Namespace: namespace})
}

// Intercept decides those RPCs of the collector's own whose right is in their message, for requests that [Authorizer.Service]
// has let pass.
func (a *Authorizer) Intercept(next connect.ServerFunc) connect.ServerFunc {
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		r := rightTo(spec.Procedure)
		if r.within == nil {
			return next(ctx, spec, stream)
		}
		c, _ := access.CallerFromContext(ctx) // none may do least
		return next(ctx, spec, &judgedStream{ServerStream: stream, authorizer: a, ctx: ctx, caller: c, right: r})
	}
}

// judgedStream refuses a message whose caller may not ask for what it says.
type judgedStream struct {
	connect.ServerStream
	authorizer *Authorizer
	ctx        context.Context //nolint:containedctx // the stream lives as long as the call
	caller     *access.Caller
	right      right
}

// Receive decides before the handler sees the message. What it refuses was decoded and is thrown away: nothing else knows yet
// what it says. It may be called again for the next message of a stream, which is decided for itself.
func (s *judgedStream) Receive(msg any) error {
	if err := s.ServerStream.Receive(msg); err != nil {
		return err
	}
	for _, q := range s.right.questionsOf(msg) {
		if refused := s.authorizer.Authorize(s.ctx, s.caller, q.action, q.resource); refused != nil {
			return s.refuse(refused)
		}
	}
	return nil
}

// refuse tells the reason as the port does, for clients that read no details.
func (s *judgedStream) refuse(refused *refusal.Refusal) error {
	if info, ok := connect.CallInfoForServerContext(s.ctx); ok {
		info.ResponseHeader().Set(mesh.HeaderReason, string(refused.Reason))
	}
	return refused.Err(s.authorizer.self())
}

// Peers decides RPCs of the collector's own that come over links of peers, and Consumers those of programs that have dialled.
func (a *Authorizer) Peers(next connect.ServerFunc) connect.ServerFunc {
	return a.overLinks(next, func(_ context.Context, _ *connect.CallInfo, over *link.ServerInfo) (*access.Caller, *refusal.Refusal) {
		return a.OfLink(over)
	}, true)
}

// Consumers is [Authorizer.Peers] for programs that have dialled. They are clients: what they may ask is what anybody may who
// shows the same at the port.
func (a *Authorizer) Consumers(next connect.ServerFunc) connect.ServerFunc {
	return a.overLinks(next, a.OfConsumer, false)
}

func (a *Authorizer) overLinks(
	next connect.ServerFunc, callerOf func(context.Context, *connect.CallInfo, *link.ServerInfo) (*access.Caller, *refusal.Refusal), peers bool,
) connect.ServerFunc {
	judged := a.Intercept(next)
	return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		info, _ := connect.CallInfoForServerContext(ctx)
		over, ok := info.TransportInfo.(*link.ServerInfo)
		if !ok {
			return connect.NewError(connect.CodeInternal, "the call came over no link")
		}
		c, refused := callerOf(ctx, info, over)
		if refused == nil && !(peers && rightTo(spec.Procedure).peers) {
			refused = a.Service(ctx, c, spec.Procedure, "")
		}
		if refused != nil {
			return refused.Err(a.self())
		}
		return judged(access.WithCaller(ctx, c), spec, stream)
	}
}

func (a *Authorizer) self() string { return a.process.ID }
