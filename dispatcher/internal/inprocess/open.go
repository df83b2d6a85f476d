package inprocess

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
)

// protocol is CallInfo.Protocol of a call that does not leave the process.
const protocol = "local"

// Open calls a method of the collector self, which runner runs, from this process. client is the call as its caller sees
// it; TransportInfo is the caller's to set. The stream must be closed.
func Open(ctx context.Context, self string, runner Runner, m *hosted.Method, client *connect.CallInfo) connect.ClientStream {
	client.Spec, client.Protocol, client.PeerAddr = m.Spec, protocol, self
	c := call{self: self, runner: runner, method: m, client: client}
	c.server.Spec, c.server.Protocol, c.server.PeerAddr = m.Spec, protocol, self
	if m.Spec.StreamType == connect.StreamTypeUnary {
		return &unaryCall{call: c, ctx: ctx, request: make(chan any, 1)}
	}
	ctx, cancel := context.WithCancel(ctx)
	return &streamCall{
		call: c, ctx: ctx, cancel: cancel,
		up: newPipe(), down: newPipe(), done: make(chan struct{}),
	}
}
