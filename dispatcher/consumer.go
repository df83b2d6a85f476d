package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// consumers take the calls of processes that only call, see [Dial]. These are routed as those of the native path are, with
// the headers and the limits of these.
type consumers struct {
	dispatcher *Dispatcher
	own        *connect.Server // the services of the collector itself
}

// serve is a [link.Handler].
func (c *consumers) serve(ctx context.Context, procedure string, info *connect.CallInfo, stream connect.ServerStream) (err error) {
	namespace := linkNamespace(info)
	if service, _, err := name.SplitProcedure(procedure); namespace == "" && err == nil && hosted.OwnService(service) {
		return c.own.Call(ctx, procedure, info, stream)
	}
	d := c.dispatcher
	defer d.recovery.Rescue(ctx, procedure, &err)
	ctx, cancel := d.limits.bound(ctx, info.Spec.StreamType)
	defer cancel()
	if stopper, ok := stream.(link.ReceiveStopper); ok && info.Spec.StreamType&connect.StreamTypeClient != 0 {
		ctx = context.WithValue(ctx, bodyKey{}, stopper)
	}
	target := info.RequestHeader().Get(mesh.HeaderTarget)
	return c.answer(ctx, routing.Call{Namespace: namespace, Procedure: procedure, Target: target, Raw: true}, info, stream)
}

// answer takes a call, whose namespace may be empty, to where it is run.
func (c *consumers) answer(ctx context.Context, asked routing.Call, info *connect.CallInfo, stream connect.ServerStream) error {
	d := c.dispatcher
	v := d.viewFor(ctx, func(v *routing.View) *refusal.Refusal { return v.Refuses(asked) })
	namespace, e, refused := v.Find(asked.Namespace, asked.Procedure)
	if refused == nil && e.Stream != info.Spec.StreamType {
		refused = e.WrongStream(info.Spec)
	}
	if refused == nil {
		spec := connect.Spec{Procedure: e.Procedure, StreamType: e.Stream, IdempotencyLevel: e.Idempotency}
		return d.answerNative(ctx, observe.Link, namespace, spec, info, stream)
	}
	v.Route.Tag(info.ResponseHeader())
	seen, err := d.see(observe.Link, asked.Namespace, asked.Procedure), refused.Err(d.id)
	seen.caller = info.PeerAddr
	seen.end(v.Route, err)
	return err
}
