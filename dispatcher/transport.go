package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/inprocess"
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
	return &transport{dispatcher: d, namespace: namespace}
}

type transport struct {
	dispatcher *Dispatcher
	namespace  string
}

func (t *transport) NewClientStream(ctx context.Context, spec connect.Spec) (connect.ClientStream, error) {
	d := t.dispatcher
	info, ok := connect.CallInfoForClientContext(ctx)
	if !ok {
		ctx, info = connect.NewClientContext(ctx)
	}
	v := d.viewFor(ctx, func(v *routing.View) *refusal.Refusal {
		decided, _ := t.decide(v, spec, info)
		return decided.Refusal
	})
	info.TransportInfo = v.Route
	decided, namespace := t.decide(v, spec, info)
	c := callerCalls.Get().(*callerCall) //nolint:forcetypeassert // the pool holds nothing else
	c.begin(d, observe.Process, namespace, spec.Procedure)
	c.info, c.kind = info, spec.StreamType
	if err := c.open(ctx, v, decided, link.Call{Namespace: namespace, Spec: spec}); err != nil {
		c.end(v.Route, err)
		return nil, err
	}
	return &callerStream{call: c}, nil
}

func (c *callerCall) open(ctx context.Context, v *routing.View, decided routing.Decision, call link.Call) error {
	d := c.dispatcher
	switch {
	case decided.Refusal != nil:
		return decided.Refusal.Err(d.id)
	case decided.Local != nil:
		c.stream = inprocess.Open(ctx, d.id, d.local, decided.Local, c.info)
		return nil
	}
	if err := c.openPeers(ctx, decided, call); err != nil {
		return err
	}
	if v.Entrance != nil {
		c.stream = &entered{ClientStream: c.stream, info: c.info, entrance: v.Entrance}
	}
	return nil
}

func (t *transport) decide(v *routing.View, spec connect.Spec, info *connect.CallInfo) (routing.Decision, string) {
	namespace := t.namespace
	if namespace == "" && v.Entrance == nil {
		found, r := v.NamespaceOf(spec.Procedure)
		if r != nil {
			return routing.Decision{Refusal: r}, ""
		}
		namespace = found
	}
	target := info.RequestHeader().Get(mesh.HeaderTarget)
	decided := routing.Route(v, routing.Call{Namespace: namespace, Procedure: spec.Procedure, Target: target}, t.dispatcher.balance())
	if e := decided.Entry; v.Entrance == nil && decided.Refusal == nil && e != nil && e.Stream != spec.StreamType {
		decided.Refusal = e.WrongStream(spec)
	}
	if v.Entrance != nil && target != "" && target != v.Entrance.ID {
		return decided, namespace // what the entrance has says nothing of what the target has
	}
	if found := t.dispatcher.callers.skew(t.dispatcher.schemas.Known(), decided.Entry, &decided, namespace, spec); found.Breaks {
		decided.Refusal = refuseCaller(&decided, decided.Entry, found)
	}
	return decided, namespace
}

// openPeers opens a call of this process on a peer. Its headers go as they are unless one of them must not.
func (c *callerCall) openPeers(ctx context.Context, decided routing.Decision, call link.Call) (err error) {
	d, info := c.dispatcher, c.info
	if !d.filters(info.RequestHeader()) {
		c.out, err = d.newOutbound(ctx, info, decided, call, nil)
		c.stream = c.out
		return err
	}
	ctx, filtered := connect.NewClientContext(ctx)
	if c.out, err = d.newOutbound(ctx, filtered, decided, call, info.RequestHeader()); err != nil {
		return err
	}
	info.TransportInfo = filtered.TransportInfo
	c.stream = &mirrored{ClientStream: c.out, to: info, from: filtered}
	return nil
}

// filters reports whether a request header has a name that may not go to a peer as it is.
func (d *Dispatcher) filters(h *connect.Header) bool {
	for name := range h.All() {
		if !header.Passes(name) || name == header.Cookie || name == header.Authorization {
			return true
		}
	}
	return false
}

// mirrored shows the response metadata of a call in the CallInfo of the caller, whose request headers had to be
// filtered into another.
type mirrored struct {
	connect.ClientStream
	to, from *connect.CallInfo
}

func (m *mirrored) Receive(msg any) error {
	err := m.ClientStream.Receive(msg)
	header.Mirror(m.to.ResponseHeader(), m.from.ResponseHeader())
	header.Mirror(m.to.ResponseTrailer(), m.from.ResponseTrailer())
	m.to.TransportInfo, m.to.PeerAddr, m.to.Protocol = m.from.TransportInfo, m.from.PeerAddr, m.from.Protocol
	return err
}

// openingKey is how openOnPeer finds its peer behind the client interceptors.
type openingKey struct{}

type opening struct {
	routePeer *routing.RoutePeer
	call      link.Call
	opened    connect.ClientStream
}

// openOn opens one attempt on one peer. bare is the stream without what client interceptors put around it.
func (d *Dispatcher) openOn(ctx context.Context, st *routing.RoutePeer, call link.Call) (stream, bare connect.ClientStream, err error) {
	if len(d.options.client) == 0 {
		stream, err = st.Conn.Open(ctx, call.Namespace, call.Codec, call.Spec)
		return stream, stream, err
	}
	o := &opening{routePeer: st, call: call}
	stream, err = d.opening(context.WithValue(ctx, openingKey{}, o), call.Spec)
	return stream, o.opened, err
}

// openOnPeer is the innermost [connect.ClientFunc].
func openOnPeer(ctx context.Context, _ connect.Spec) (connect.ClientStream, error) {
	o, ok := ctx.Value(openingKey{}).(*opening)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, "a client interceptor dropped the context of the call")
	}
	var err error
	o.opened, err = o.routePeer.Conn.Open(ctx, o.call.Namespace, o.call.Codec, o.call.Spec)
	return o.opened, err
}
