package dispatcher

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// nativeHandlers serves the native path. The HTTP handler of a procedure in a namespace is made once, by the first call,
// and serves all collectors: where a call goes is decided per call.
type nativeHandlers struct {
	dispatcher *Dispatcher
	// made is replaced as a whole, so that calls read it without a lock.
	made   atomic.Pointer[map[shape]http.Handler]
	making sync.Mutex
}

// shape is what an HTTP handler depends on.
type shape struct {
	namespace   string
	procedure   string
	stream      connect.StreamType
	idempotency connect.IdempotencyLevel
}

// maxHandlers bounds the handlers that are kept. Beyond it, which takes peers that change their catalogs all the time,
// all are made anew.
const maxHandlers = 16384

func (n *nativeHandlers) serve(w http.ResponseWriter, r *http.Request) {
	d := n.dispatcher
	namespace, procedure := ingress.CutNamespace(r.URL.Path)
	if named := r.Header.Get(mesh.HeaderNamespace); named != "" {
		namespace = named
	}
	asked := routing.Call{Namespace: namespace, Procedure: procedure, Target: r.Header.Get(mesh.HeaderTarget), Raw: true}
	v := d.viewFor(r.Context(), func(v *routing.View) *refusal.Refusal { return v.Refuses(asked) })
	namespace, e, refused := v.Find(namespace, procedure)
	if refused != nil {
		d.port.Refuse(w, r, refused)
		return
	}
	if e.Stream&connect.StreamTypeClient != 0 {
		r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, http.NewResponseController(w)))
	}
	body := d.port.GuardBody(w, r, e.Stream&connect.StreamTypeClient == 0)
	defer body.Done()
	n.handler(shape{namespace, e.Procedure, e.Stream, e.Idempotency}).ServeHTTP(w, r)
}

func (n *nativeHandlers) handler(s shape) http.Handler {
	if made := n.made.Load(); made != nil {
		if h, ok := (*made)[s]; ok {
			return h
		}
	}
	return n.make(s)
}

func (n *nativeHandlers) make(s shape) http.Handler {
	n.making.Lock()
	defer n.making.Unlock()
	next := make(map[shape]http.Handler)
	if made := n.made.Load(); made != nil && len(*made) < maxHandlers {
		if h, ok := (*made)[s]; ok {
			return h
		}
		maps.Copy(next, *made)
	}
	next[s] = n.dispatcher.mount(s)
	n.made.Store(&next)
	return next[s]
}

// mount makes the HTTP handler of a procedure. Its server has no interceptors: those of the collector are around what
// the call turns out to be.
func (d *Dispatcher) mount(s shape) http.Handler {
	server := connect.NewServer()
	spec := connect.Spec{Procedure: s.procedure, StreamType: s.stream, IdempotencyLevel: s.idempotency}
	serve := func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		return d.serveNative(ctx, s.namespace, spec, stream)
	}
	server.Register(connect.Method{Spec: spec, Handler: serve})
	m := make(ingress.Mux)
	connecthttp.Mount(m, server, d.port.Options()...)
	return m[s.procedure]
}

// serveNative is the entrance of every call on the native path, whatever its protocol. The call has been read up to its
// headers.
func (d *Dispatcher) serveNative(
	ctx context.Context, namespace string, spec connect.Spec, stream connect.ServerStream,
) (err error) {
	defer d.recovery.Rescue(ctx, spec.Procedure, &err)
	ctx, cancel := d.limits.bound(ctx, spec.StreamType)
	defer cancel()
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		return connect.NewError(connect.CodeInternal, "the call has no CallInfo")
	}
	if info.Protocol == connect.ProtocolNameGRPCWeb {
		web := ingress.NewWebStream(stream)
		defer web.Finish(info)
		stream = web
	}
	err = d.answerNative(ctx, observe.Native, namespace, spec, info, stream)
	if err == nil {
		return nil
	}
	reason, plain := refusal.Outward(err)
	plain = d.legible(namespace, info, plain)
	if reason != "" {
		info.ResponseHeader().Set(mesh.HeaderReason, string(reason))
	}
	return plain
}

// answerNative takes a call of the native path, or of a consumer, to where it is run.
func (d *Dispatcher) answerNative(
	ctx context.Context, entrance observe.Entrance, namespace string, spec connect.Spec, info *connect.CallInfo, stream connect.ServerStream,
) error {
	v := d.view()
	c := routing.Call{Namespace: namespace, Procedure: spec.Procedure, Target: info.RequestHeader().Get(mesh.HeaderTarget), Raw: true}
	v.Route.Tag(info.ResponseHeader())
	seen := d.see(entrance, c.Namespace, c.Procedure)
	seen.caller = info.PeerAddr
	err := d.take(ctx, v, c, info, spec, stream)
	seen.sized(info, spec.StreamType)
	seen.end(v.WayTo(info.ResponseHeader().Get(mesh.HeaderExecutor)), err)
	return err
}

// take routes a native call and runs or forwards it.
func (d *Dispatcher) take(
	ctx context.Context, v *routing.View, c routing.Call, info *connect.CallInfo, spec connect.Spec, stream connect.ServerStream,
) error {
	decided := routing.Route(v, c, d.balance())
	switch {
	case decided.Refusal != nil:
		if spec.StreamType&connect.StreamTypeClient == 0 {
			_ = stream.Receive(new(link.Raw)) // see ingress.Port.Refuse
		}
		return decided.Refusal.Err(d.id)
	case decided.Local != nil:
		header.DropReserved(info.RequestHeader())
		return d.local.run(ctx, decided.Local, info, stream)
	}
	f := &forwarding{decision: decided, info: info, call: link.Call{Namespace: c.Namespace, Spec: spec, Codec: info.Codec}}
	return d.relay(context.WithValue(ctx, forwardingKey{}, f), spec, stream)
}
