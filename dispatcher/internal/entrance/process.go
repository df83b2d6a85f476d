package entrance

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// Transport is the entrance of calls from this process.
// There is one for each client's namespace, which may be empty: then each call finds its own. It is safe for concurrent use.
type Transport struct {
	Pipeline  *call.Pipeline
	Observer  *call.Observer
	Schemas   *peerschema.Learner
	Callers   *peerschema.Callers
	Namespace string
}

// NewClientStream is that of [connect.Transport].
// The caller is this program, whatever call it is answering: a context of a handler has a caller, and gives it to nobody.
// A call that cannot be opened is observed like one that failed. It is decided again after the wait, in the view that was
// waited for, which may be the one that refuses it.
func (t *Transport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	info, ok := connect.CallInfoForClientContext(ctx)
	if !ok {
		ctx, info = connect.NewClientContext(ctx)
	}
	c := callerCalls.Get().(*callerCall) //nolint:forcetypeassert // the pool holds nothing else
	c.Info, c.Spec, c.Procedure, c.Request.Caller = info, spec, spec.Procedure, t.Pipeline.Access.Process()
	c.Target = info.RequestHeader().Get(mesh.HeaderTarget)
	c.View = t.Pipeline.Views.Until(ctx, func(v *routing.View) *refusal.Refusal {
		c.View = v
		t.decide(&c.Request)
		return c.Decision.Refusal
	})
	info.TransportInfo = c.View.Route
	t.decide(&c.Request)
	c.Decision.Refusal = t.Pipeline.Authorize(ctx, &c.Request, c.Decision.Refusal)
	c.Begin(t.Observer, observe.Process, c.Namespace, spec.Procedure)
	c.By(c.Request.Caller)
	if err := c.open(ctx, t.Pipeline); err != nil {
		c.End(c.View.Route, err)
		return nil, err
	}
	return &callerStream{call: c}, nil
}

// open opens the call where it was decided to run.
// A process with an entrance hears the way behind it only from the answer.
func (c *callerCall) open(ctx context.Context, p *call.Pipeline) (err error) {
	c.stream, c.onPeer, err = p.Open(ctx, &c.Request)
	if err == nil && c.View.Entrance != nil {
		c.stream = &entered{ClientStream: c.stream, info: c.Info, entrance: c.View.Entrance}
	}
	return err
}

// decide decides a call of a generated client, which must have the schema of who will run it.
// It may be called for several views. What an entrance has not announced is sent all the same, so its kind is not checked.
func (t *Transport) decide(r *call.Request) {
	if refused := t.place(r); refused != nil {
		r.Decision = routing.Decision{Refusal: refused}
		return
	}
	t.Pipeline.Decide(r)
	e, entrance := r.Decision.Entry, r.View.Entrance
	if entrance == nil && r.Decision.Refusal == nil && e != nil && e.Stream != r.Spec.StreamType {
		r.Decision.Refusal = e.WrongStream(r.Spec)
	}
	if entrance != nil && r.Target != "" && r.Target != entrance.ID {
		return // what the entrance has says nothing of what the target has
	}
	if found := t.Callers.Skew(t.Schemas.Known(), e, &r.Decision, r.Namespace, r.Spec); found.Breaks {
		r.Decision.Refusal = peerschema.RefuseCaller(&r.Decision, e, found)
	}
}

// place finds the namespace of a call, which an entrance finds by itself.
// The client's own header counts as it does at the port: it names the namespace where the Transport has none, and may not
// name another one.
func (t *Transport) place(r *call.Request) (refused *refusal.Refusal) {
	r.Namespace, refused = ingress.OneNamespace(t.Namespace, r.Info.RequestHeader().Values(mesh.HeaderNamespace))
	if refused == nil && r.Namespace == "" && r.View.Entrance == nil {
		r.Namespace, refused = r.View.NamespaceOf(r.Procedure)
	}
	return refused
}
