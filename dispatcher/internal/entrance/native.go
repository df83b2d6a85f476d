package entrance

import (
	"context"
	"net/http"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/recovery"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/internal/cow"
	"github.com/collectiverpc/collective/internal/observe"
	"github.com/collectiverpc/collective/mesh"
)

// Native serves the native path. The HTTP handler of a procedure is made once, by the first call, and serves all
// namespaces and collectors: where a call goes is decided per call.
// Its exported fields are set before the first request; it is safe for concurrent use.
type Native struct {
	Pipeline *call.Pipeline
	Observer *call.Observer
	Recovery *recovery.Recovery
	Port     *ingress.Port
	Timeouts call.Timeouts
	// Legible gives the details of an error to clients that read JSON, as far as their types are known in a namespace.
	Legible func(namespace string, info *connect.CallInfo, err error) error
	made    cow.Map[shape, http.Handler]
}

// shape is what an HTTP handler depends on.
// It has no namespace and no collector, so that a method which many serve has one handler.
type shape struct {
	procedure   string
	stream      connect.StreamType
	idempotency connect.IdempotencyLevel
}

// maxHandlers bounds the handlers that are kept. Beyond it, which takes peers that change their catalogs all the time,
// all are made anew.
const maxHandlers = 16384

// Serve answers a request of a caller for a method of the mesh.
// Whether the caller may make it is decided with what it means.
// A call is found before anything of its body is read: a refusal does
// not wait for a client that sends slowly.
func (n *Native) Serve(w http.ResponseWriter, r *http.Request, caller *access.Caller) {
	namespace, procedure, refused := ingress.Named(r)
	if refused != nil {
		n.Port.Refuse(w, r.WithContext(access.WithCaller(r.Context(), caller)), refused)
		return
	}
	asked := &call.Request{
		Call:   routing.Call{Namespace: namespace, Procedure: procedure, Target: r.Header.Get(mesh.HeaderTarget), Raw: true},
		Caller: caller,
	}
	e, refused := n.Pipeline.Find(r.Context(), asked)
	if refused != nil {
		n.Port.Refuse(w, r.WithContext(asked.Within(r.Context())), refused)
		return
	}
	single := e.Stream&connect.StreamTypeClient == 0
	r, exchange := n.Port.GuardBody(asked.Within(r.Context()), w, r, single)
	if !single {
		asked.Stop = exchange.StopReceiving
	}
	n.handler(shape{e.Procedure, e.Stream, e.Idempotency}).ServeHTTP(w, r)
}

// handler is the HTTP handler of a shape.
func (n *Native) handler(s shape) http.Handler {
	made, ok := n.made.Get(s)
	if !ok { // two first calls at once may make two, which are equal
		made = n.mount(s)
		n.made.Remember(s, made, maxHandlers)
	}
	return made
}

// mount makes the HTTP handler of a procedure. Its server has no interceptors: those of the collector are around what
// the call turns out to be.
// It is called seldom, and may be called twice for one shape.
func (n *Native) mount(s shape) http.Handler {
	server := connect.NewServer()
	spec := connect.Spec{Procedure: s.procedure, StreamType: s.stream, IdempotencyLevel: s.idempotency}
	server.Register(connect.Method{Spec: spec, Handler: n.serveCall})
	m := make(ingress.Mux)
	connecthttp.Mount(m, server, n.Port.Options()...)
	return m[s.procedure]
}

// serveCall is the entrance of every call on the native path, whatever its protocol. The call has been read up to its headers.
// Errors leave in the protocol of the client, with the mesh's own reason in a header for those who cannot read details.
func (n *Native) serveCall(ctx context.Context, spec connect.Spec, stream connect.ServerStream) (err error) {
	defer n.Recovery.Rescue(ctx, spec.Procedure, &err)
	ctx, cancel := n.Timeouts.Bound(ctx, spec.StreamType)
	defer cancel()
	r := call.RequestOf(ctx)
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok || r == nil {
		return connect.NewError(connect.CodeInternal, "the call has no CallInfo")
	}
	if info.Protocol == connect.ProtocolNameGRPCWeb {
		web := ingress.NewWebStream(stream)
		defer web.Finish(info)
		stream = web
	}
	r.Info, r.Spec, r.Codec = info, spec, info.Codec
	err = n.Pipeline.Answer(ctx, n.Observer.Observe(observe.Native, r.Namespace, r.Procedure), r, stream)
	if err == nil {
		return nil
	}
	reason, plain := refusal.Outward(err)
	plain = n.Legible(r.Namespace, info, plain)
	if reason != "" {
		info.ResponseHeader().Set(mesh.HeaderReason, string(reason))
	}
	return plain
}
