package dispatcher

import (
	"context"
	"log/slog"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/recovery"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
)

// peers opens calls on peers.
type peers struct {
	self     string
	log      *slog.Logger
	attempts int  // that a call has at most
	cookie   bool // whether cookies go to peers
	trust    trust
	budget   *retryBudget
	recovery *recovery.Recovery
	// intercept opens a call on a peer through the client interceptors, of which there are some if intercepted.
	intercept   connect.ClientFunc
	intercepted bool
}

// attemptKey is how openOnPeer finds its peer behind the client interceptors.
type attemptKey struct{}

type opened struct {
	routePeer *routing.RoutePeer
	call      link.Call
	stream    connect.ClientStream
}

// openOn opens one attempt on one peer. bare is the stream without what client interceptors put around it.
func (p *peers) openOn(ctx context.Context, st *routing.RoutePeer, call link.Call) (stream, bare connect.ClientStream, err error) {
	if !p.intercepted {
		stream, err = st.Conn.Open(ctx, call.Namespace, call.Codec, call.Spec)
		return stream, stream, err
	}
	o := &opened{routePeer: st, call: call}
	stream, err = p.intercept(context.WithValue(ctx, attemptKey{}, o), call.Spec)
	return stream, o.stream, err
}

// openOnPeer is the innermost [connect.ClientFunc].
func openOnPeer(ctx context.Context, _ connect.Spec) (connect.ClientStream, error) {
	o, ok := ctx.Value(attemptKey{}).(*opened)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, "a client interceptor dropped the context of the call")
	}
	var err error
	o.stream, err = o.routePeer.Conn.Open(ctx, o.call.Namespace, o.call.Codec, o.call.Spec)
	return o.stream, err
}
