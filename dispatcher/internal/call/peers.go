package call

import (
	"context"
	"log/slog"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/recovery"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// Peers opens calls on peers.
// Its fields are set before the first call and never after; it is safe for concurrent use.
type Peers struct {
	Self     string
	Log      *slog.Logger
	Attempts int  // that a call has at most
	Cookie   bool // whether cookies go to peers
	Trust    Trust
	Budget   *retryBudget
	Recovery *recovery.Recovery
	Clock    endpoint.Clock // of all that is known of peers
	// Intercept opens a call on a peer through the client interceptors, of which there are some if intercepted.
	Intercept   connect.ClientFunc
	Intercepted bool
}

// attemptKey is how OpenOnPeer finds its peer behind the client interceptors.
type attemptKey struct{}

// openedAttempt goes down through the interceptors with where to open, and comes back with what was opened.
type openedAttempt struct {
	routePeer *routing.RoutePeer
	call      link.Call
	stream    connect.ClientStream
}

// openOn opens one attempt on one peer. bare is the stream without what client interceptors put around it.
// The load and the headers are the caller's to keep: this only asks.
func (p *Peers) openOn(ctx context.Context, st *routing.RoutePeer, call link.Call) (stream, bare connect.ClientStream, err error) {
	if !p.Intercepted {
		stream, err = st.Conn.Open(ctx, call.Namespace, call.Codec, call.Caller, call.Spec)
		return stream, stream, err
	}
	o := &openedAttempt{routePeer: st, call: call}
	stream, err = p.Intercept(context.WithValue(ctx, attemptKey{}, o), call.Spec)
	return stream, o.stream, err
}

// OpenOnPeer is the innermost [connect.ClientFunc].
// Interceptors are other people's code: one that passes a context which it did not derive from its own gets an error.
func OpenOnPeer(ctx context.Context, _ connect.Spec) (connect.ClientStream, error) {
	o, ok := ctx.Value(attemptKey{}).(*openedAttempt)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, "a client interceptor dropped the context of the call")
	}
	var err error
	o.stream, err = o.routePeer.Conn.Open(ctx, o.call.Namespace, o.call.Codec, o.call.Caller, o.call.Spec)
	return o.stream, err
}

// withhold tells in the log that a call's Authorization header does not go to a peer, once for each peer: its handlers
// may refuse the call for that.
func (p *Peers) withhold(ctx context.Context, st *routing.RoutePeer) {
	if st.Withheld.Swap(true) {
		return
	}
	p.Log.WarnContext(ctx, "the authorization header of calls does not go to a peer", "collector", p.Self, "peer", st.ID,
		"reason", p.Trust.distrust(st), "next", "let collectors prove who they are (serve --mesh-secret-file or --trust-domain, conn.WithMeshSecret, conn.WithIdentity), "+
			"or let it go to every peer (dispatcher.WithForwardedAuthorization)")
}
