package call

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn/link"
	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/mesh"
)

// Request is a call on its way. What was found for it once goes with it to wherever it is needed.
type Request struct {
	routing.Call
	Caller   *access.Caller    // who calls; nil is the one that may do least
	View     *routing.View     // by which it is decided
	Spec     connect.Spec      // of the method, as far as its catalog tells
	Codec    string            // of its messages where they go through as they came; empty for protobuf
	Info     *connect.CallInfo // of the entrance
	Decision routing.Decision
	// Route is where it went: this collector, until a peer has begun to answer.
	Route *mesh.Route
	// Enveloped is whether it came in an RPC of its own, which has met the server interceptors.
	Enveloped bool
	// Stop ends a Receive that waits for a client which has nothing to say any more; nil if the client's end of the request does.
	Stop func()
}

// call is how the request goes to a peer.
func (r *Request) call() link.Call {
	return link.Call{Namespace: r.Namespace, Spec: r.Spec, Codec: r.Codec, Caller: r.Caller.Text()}
}

// requestKey is how a request passes through what is not ours: connect's handlers, and the server interceptors.
type requestKey struct{}

// requestContext has a request and its caller. Both are one value of memory, where two contexts would be two.
type requestContext struct {
	context.Context
	request *Request
}

// Value is what the contexts of package context would say.
func (c *requestContext) Value(key any) any {
	switch key {
	case requestKey{}:
		return c.request
	case access.ContextKey:
		return c.request.Caller
	}
	return c.Context.Value(key)
}

// Within is a context that has the request and its caller.
func (r *Request) Within(ctx context.Context) context.Context {
	return &requestContext{ctx, r}
}

// RequestOf is the request of a context; nil if something on the way has dropped it.
func RequestOf(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}
