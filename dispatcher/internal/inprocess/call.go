package inprocess

import (
	"context"
	"slices"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// Runner runs methods that are registered in this process.
type Runner interface {
	// RunInProcess runs a method on the handler's end of a stream, with the context that [Detached] makes of the caller's,
	// which it is given. It returns the handler's verdict and never panics.
	RunInProcess(caller context.Context, m *hosted.Method, info *connect.CallInfo, stream connect.ServerStream) error
}

// call is what all calls in this process have.
type call struct {
	self   string // the collector's id
	runner Runner
	method *hosted.Method
	client *connect.CallInfo
	server connect.CallInfo
}

// sendHeaders gives the request headers to the handler's side.
// The values are copied: the caller may go on changing its own. What is the transport's is left out, as over a wire.
func (c *call) sendHeaders() {
	for name, values := range c.client.RequestHeader().All() {
		if header.Passes(name) {
			c.server.RequestHeader().SetValues(name, slices.Clone(values))
		}
	}
}

// handle runs the handler on its end of the stream. The verdict is marked as the other side's, as over a wire.
func (c *call) handle(ctx context.Context, stream connect.ServerStream) error {
	if err := c.runner.RunInProcess(ctx, c.method, &c.server, stream); err != nil {
		return refusal.VerdictOf(err).WithRemote()
	}
	return nil
}

// receiveHeaders shows the response metadata to the caller, on the caller's goroutine.
func (c *call) receiveHeaders() {
	header.Mirror(c.client.ResponseHeader(), c.server.ResponseHeader())
	header.Mirror(c.client.ResponseTrailer(), c.server.ResponseTrailer())
}

// Detached is a context without the values of the caller's: a handler cannot tell whether its caller is in the same
// process.
func Detached(caller context.Context) context.Context { return detached{caller} }

// detached keeps the deadline and the end of the caller's context.
type detached struct{ context.Context }

func (detached) Value(any) any { return nil }

// AfterFunc lets contexts derived from this one follow the parent without a goroutine each.
func (d detached) AfterFunc(f func()) func() bool { return context.AfterFunc(d.Context, f) }
