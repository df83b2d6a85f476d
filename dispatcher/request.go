package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/mesh"
)

// request is a call on its way. What was found for it once goes with it to wherever it is needed.
type request struct {
	routing.Call
	view     *routing.View     // by which it is decided
	spec     connect.Spec      // of the method, as far as its catalog tells
	codec    string            // of its messages where they go through as they came; empty for protobuf
	info     *connect.CallInfo // of the entrance
	decision routing.Decision
	// route is where it went: this collector, until a peer has begun to answer.
	route *mesh.Route
	// enveloped is whether it came in an RPC of its own, which has met the server interceptors.
	enveloped bool
	// stop ends a Receive that waits for a client which has nothing to say any more; nil if the client's end of the request does.
	stop func()
}

// call is how the request goes to a peer.
func (r *request) call() link.Call {
	return link.Call{Namespace: r.Namespace, Spec: r.spec, Codec: r.codec}
}

// requestKey is how a request passes through what is not ours: connect's handlers, and the server interceptors.
type requestKey struct{}

// within is a context that has the request.
func (r *request) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// requestOf is the request of a context; nil if something on the way has dropped it.
func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}
