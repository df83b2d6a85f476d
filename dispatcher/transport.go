package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// RouteInfo tells where a call went. On a client of [Dispatcher.Transport] it is the TransportInfo of the call; see
// [RouteInfoForContext].
type RouteInfo = mesh.Route

// RouteInfoForContext returns where the call of a client context went, once it has been opened:
//
//	ctx, _ := connect.NewClientContext(ctx)
//	res, err := users.GetUser(ctx, req)
//	route, ok := dispatcher.RouteInfoForContext(ctx)
func RouteInfoForContext(ctx context.Context) (*RouteInfo, bool) {
	info, ok := connect.CallInfoForClientContext(ctx)
	if !ok {
		return nil, false
	}
	route, ok := info.TransportInfo.(*RouteInfo)
	return route, ok
}

// Transport returns the mesh as a [connect.Transport]: any generated client over it calls methods wherever they are
// served in namespace, in all four stream kinds. An empty namespace stands for the only one that serves the method.
//
//	users := usersv1connect.NewUserServiceClient(connect.NewClient(d.Transport("users")))
//
// A method that is registered here runs in this process, on copies of the messages and with a context that has the
// caller's deadline and cancellation but not its values, as over a link. The request header Collective-Target selects
// a collector; headers that begin with Collective- go nowhere. No deadline is added here.
func (d *Dispatcher) Transport(namespace string) connect.Transport {
	return &transport{pipeline: d.pipeline, observer: d.observer, schemas: d.schemas, callers: &d.callers, namespace: namespace}
}

// transport is the entrance of calls from this process.
type transport struct {
	pipeline  *call.Pipeline
	observer  *call.Observer
	schemas   *peerschema.Learner
	callers   *peerschema.Callers
	namespace string
}

func (t *transport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	info, ok := connect.CallInfoForClientContext(ctx)
	if !ok {
		ctx, info = connect.NewClientContext(ctx)
	}
	c := callerCalls.Get().(*callerCall) //nolint:forcetypeassert // the pool holds nothing else
	c.Info, c.Spec, c.Procedure = info, spec, spec.Procedure
	c.Target = info.RequestHeader().Get(mesh.HeaderTarget)
	c.View = t.pipeline.Views.Until(ctx, func(v *routing.View) *refusal.Refusal {
		c.View = v
		t.decide(&c.Request)
		return c.Decision.Refusal
	})
	info.TransportInfo = c.View.Route
	t.decide(&c.Request)
	c.Begin(t.observer, observe.Process, c.Namespace, spec.Procedure)
	if err := c.open(ctx, t.pipeline); err != nil {
		c.End(c.View.Route, err)
		return nil, err
	}
	return &callerStream{call: c}, nil
}

// open opens the call where it was decided to run.
func (c *callerCall) open(ctx context.Context, p *call.Pipeline) (err error) {
	c.stream, c.onPeer, err = p.Open(ctx, &c.Request)
	if err == nil && c.View.Entrance != nil {
		c.stream = &entered{ClientStream: c.stream, info: c.Info, entrance: c.View.Entrance}
	}
	return err
}

// decide decides a call of a generated client, which must have the schema of who will run it.
func (t *transport) decide(r *call.Request) {
	r.Namespace = t.namespace
	if r.Namespace == "" && r.View.Entrance == nil {
		found, refused := r.View.NamespaceOf(r.Procedure)
		if refused != nil {
			r.Decision = routing.Decision{Refusal: refused}
			return
		}
		r.Namespace = found
	}
	t.pipeline.Decide(r)
	e, entrance := r.Decision.Entry, r.View.Entrance
	if entrance == nil && r.Decision.Refusal == nil && e != nil && e.Stream != r.Spec.StreamType {
		r.Decision.Refusal = e.WrongStream(r.Spec)
	}
	if entrance != nil && r.Target != "" && r.Target != entrance.ID {
		return // what the entrance has says nothing of what the target has
	}
	if found := t.callers.Skew(t.schemas.Known(), e, &r.Decision, r.Namespace, r.Spec); found.Breaks {
		r.Decision.Refusal = peerschema.RefuseCaller(&r.Decision, e, found)
	}
}
