package entrance

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/recovery"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// Consumers take the calls of processes that only call, see dispatcher.Dial. These are routed as those of the native path are, with
// the headers and the limits of these.
type Consumers struct {
	Pipeline *call.Pipeline
	Observer *call.Observer
	Recovery *recovery.Recovery
	Timeouts call.Timeouts
	Own      *connect.Server // the services of the collector itself
}

// Serve is a [link.Handler].
// Without a namespace it serves the collector's own services, and looks for the only namespace that has any other. Whatever
// panics on the way becomes an error of this call and does not end the link.
func (c *Consumers) Serve(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) (err error) {
	over, ok := info.TransportInfo.(*link.ServerInfo)
	if !ok {
		return connect.NewError(connect.CodeInternal, "the call came over no link")
	}
	namespace := over.Namespace
	if service, _, err := name.SplitProcedure(procedure); namespace == "" && err == nil && hosted.OwnService(service) {
		return c.Own.Call(ctx, procedure, info, stream)
	}
	defer c.Recovery.Rescue(ctx, procedure, &err)
	ctx, cancel := c.Timeouts.Bound(ctx, info.Spec.StreamType)
	defer cancel()
	target := info.RequestHeader().Get(mesh.HeaderTarget)
	r := &call.Request{Call: routing.Call{Namespace: namespace, Procedure: procedure, Target: target, Raw: true}, Info: info, Codec: info.Codec}
	if stopper, ok := stream.(link.ReceiveStopper); ok && info.Spec.StreamType&connect.StreamTypeClient != 0 {
		r.Stop = stopper.StopReceiving
	}
	return c.answer(ctx, r, over, stream)
}

// answer takes a call, whose namespace may be empty, to where it is run.
// Both a refusal and a call are observed: where it came from shows in either.
func (c *Consumers) answer(ctx context.Context, r *call.Request, over *link.ServerInfo, stream connect.ServerStream) error {
	e, refused := c.find(ctx, r, over)
	seen := c.Observer.Observe(observe.Link, r.Namespace, r.Procedure)
	if refused == nil {
		r.Spec = connect.Spec{Procedure: e.Procedure, StreamType: e.Stream, IdempotencyLevel: e.Idempotency}
		return c.Pipeline.Answer(r.Within(ctx), seen, r, stream)
	}
	r.Route.Tag(r.Info.ResponseHeader())
	err := refused.Err(c.Pipeline.Self)
	seen.Caller = r.Info.PeerAddr
	seen.By(r.Caller)
	seen.End(r.Route, err)
	return err
}

// find finds who calls, as the call itself shows it, and a call, whose kind of stream must be that of the method.
func (c *Consumers) find(ctx context.Context, r *call.Request, over *link.ServerInfo) (e *routing.Entry, refused *refusal.Refusal) {
	r.Route = c.Pipeline.Views.Now().Route
	if r.Caller, refused = c.Pipeline.Access.OfConsumer(ctx, r.Info, over); refused != nil {
		return nil, refused
	}
	r.Namespace, refused = ingress.OneNamespace(r.Namespace, r.Info.RequestHeader().Values(mesh.HeaderNamespace))
	if refused == nil {
		e, refused = c.Pipeline.Find(ctx, r)
	}
	if refused == nil && e.Stream != r.Info.Spec.StreamType {
		refused = e.WrongStream(r.Info.Spec)
	}
	return e, refused
}
