package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

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
	pipeline  *pipeline
	observer  *observer
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
	c.info, c.spec, c.Procedure = info, spec, spec.Procedure
	c.Target = info.RequestHeader().Get(mesh.HeaderTarget)
	c.view = t.pipeline.views.until(ctx, func(v *routing.View) *refusal.Refusal {
		c.view = v
		t.decide(&c.request)
		return c.decision.Refusal
	})
	info.TransportInfo = c.view.Route
	t.decide(&c.request)
	c.begin(t.observer, observe.Process, c.Namespace, spec.Procedure)
	if err := c.open(ctx, t.pipeline); err != nil {
		c.end(c.view.Route, err)
		return nil, err
	}
	return &callerStream{call: c}, nil
}

// open opens the call where it was decided to run.
func (c *callerCall) open(ctx context.Context, p *pipeline) (err error) {
	c.stream, c.onPeer, err = p.open(ctx, &c.request)
	if err == nil && c.view.Entrance != nil {
		c.stream = &entered{ClientStream: c.stream, info: c.info, entrance: c.view.Entrance}
	}
	return err
}

// decide decides a call of a generated client, which must have the schema of who will run it.
func (t *transport) decide(r *request) {
	r.Namespace = t.namespace
	if r.Namespace == "" && r.view.Entrance == nil {
		found, refused := r.view.NamespaceOf(r.Procedure)
		if refused != nil {
			r.decision = routing.Decision{Refusal: refused}
			return
		}
		r.Namespace = found
	}
	t.pipeline.decide(r)
	e, entrance := r.decision.Entry, r.view.Entrance
	if entrance == nil && r.decision.Refusal == nil && e != nil && e.Stream != r.spec.StreamType {
		r.decision.Refusal = e.WrongStream(r.spec)
	}
	if entrance != nil && r.Target != "" && r.Target != entrance.ID {
		return // what the entrance has says nothing of what the target has
	}
	if found := t.callers.Skew(t.schemas.Known(), e, &r.decision, r.Namespace, r.spec); found.Breaks {
		r.decision.Refusal = peerschema.RefuseCaller(&r.decision, e, found)
	}
}
