package dispatcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"

	"github.com/collectiverpc/collective/dispatcher/internal/codec"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// open calls a method of this collector from this process. It differs from connect's in-process transport in that the
// two sides never share a message: a sender's message is copied before Send returns.
func (l *local) open(ctx context.Context, m *hosted.Method, client *connect.CallInfo, route *RouteInfo) connect.ClientStream {
	client.Spec, client.Protocol, client.PeerAddr, client.TransportInfo = m.Spec, protocolLocal, l.self, route
	c := localCall{local: l, method: m, client: client}
	c.server.Spec, c.server.Protocol, c.server.PeerAddr = m.Spec, protocolLocal, l.self
	if m.Spec.StreamType == connect.StreamTypeUnary {
		return &localUnary{localCall: c, ctx: ctx, request: make(chan any, 1)}
	}
	ctx, cancel := context.WithCancel(ctx)
	return &localStream{
		localCall: c, ctx: ctx, cancel: cancel,
		up: newPipe(), down: newPipe(), done: make(chan struct{}),
	}
}

// protocolLocal is CallInfo.Protocol of a call that does not leave the process.
const protocolLocal = "local"

// localCall is what all in-process calls have.
type localCall struct {
	local  *local
	method *hosted.Method
	client *connect.CallInfo
	server connect.CallInfo
}

// flush gives the request headers to the handler's side.
func (c *localCall) flush() {
	for name, values := range c.client.RequestHeader().All() {
		if passes(name) {
			c.server.RequestHeader().SetValues(name, slices.Clone(values))
		}
	}
}

// handle runs the handler on its end of the stream. The verdict is marked as the other side's, as over a wire.
func (c *localCall) handle(ctx context.Context, stream connect.ServerStream) error {
	if err := c.run(ctx, stream); err != nil {
		return refusal.VerdictOf(err).WithRemote()
	}
	return nil
}

func (c *localCall) run(ctx context.Context, stream connect.ServerStream) (err error) {
	defer c.local.recovery.rescue(ctx, c.method.Spec.Procedure, &err)
	return c.local.run(detached{ctx}, c.method, &c.server, stream)
}

// reveal shows the response metadata to the caller, on the caller's goroutine.
func (c *localCall) reveal() {
	mirror(c.client.ResponseHeader(), c.server.ResponseHeader())
	mirror(c.client.ResponseTrailer(), c.server.ResponseTrailer())
}

// detached is a context without the values of its parent: a handler cannot tell whether its caller is in the same
// process.
type detached struct{ context.Context }

func (detached) Value(any) any { return nil }

// AfterFunc lets contexts derived from this one follow the parent without a goroutine each.
func (d detached) AfterFunc(f func()) func() bool { return context.AfterFunc(d.Context, f) }

// localUnary runs the handler inside the caller's Receive: no goroutine, one copy each way.
type localUnary struct {
	localCall
	ctx      context.Context //nolint:containedctx // the stream lives as long as the call
	request  chan any        // the request, once; closed without one by CloseSend
	sent     bool
	closed   bool
	received bool
	answer   any // where the caller wants the response
	answered bool
	taken    bool
	message  any
}

func (s *localUnary) SendHeaders() error { return nil }

func (s *localUnary) Send(msg any) error {
	if s.sent || s.closed {
		return io.EOF
	}
	s.sent = true
	s.request <- msg
	return nil
}

func (s *localUnary) CloseSend() error {
	if !s.closed {
		s.closed = true
		close(s.request)
	}
	return nil
}

func (s *localUnary) Close() error { return nil }

func (s *localUnary) Receive(msg any) error {
	if s.received {
		return io.EOF
	}
	s.received = true
	select {
	case s.message = <-s.request:
	case <-s.ctx.Done():
		return refusal.TimeOver(s.ctx.Err(), false).Err(s.local.self)
	}
	s.answer = msg
	s.flush()
	err := s.handle(s.ctx, (*localUnaryServer)(s))
	s.reveal()
	if err != nil {
		return err
	}
	if !s.answered {
		return connect.NewError(connect.CodeUnimplemented, "unary response has no message")
	}
	return nil
}

// localUnaryServer is the handler's end of a localUnary.
type localUnaryServer localUnary

func (s *localUnaryServer) SendHeaders() error { return nil }

func (s *localUnaryServer) Receive(msg any) error {
	if s.taken {
		return io.EOF
	}
	s.taken = true
	if s.message == nil {
		return connect.NewError(connect.CodeUnimplemented, "unary request has no message")
	}
	return copyMessage(msg, s.message)
}

func (s *localUnaryServer) Send(msg any) error {
	if s.answered {
		return connect.NewError(connect.CodeInternal, "a unary response has one message")
	}
	s.answered = true
	return copyMessage(s.answer, msg)
}

// localStream is the caller's end of a streaming call. The handler runs on a goroutine that starts with the first
// operation and ends when the handler returns; Close and the end of the context cancel it.
type localStream struct {
	localCall
	ctx      context.Context //nolint:containedctx // the stream lives as long as the call
	cancel   context.CancelFunc
	up, down *pipe
	start    sync.Once
	done     chan struct{} // closed when the handler has returned
	verdict  error         // readable after done
	headers  sync.Once     // shows the response headers to the caller, with the first message
	single   bool          // the only response was received
}

func (s *localStream) begin() {
	s.start.Do(func() {
		s.flush()
		go func() {
			defer close(s.done)
			s.verdict = s.handle(s.ctx, (*localStreamServer)(s))
			s.down.end()
		}()
	})
}

func (s *localStream) SendHeaders() error {
	s.begin()
	return nil
}

// Send of a single request leaves it to Receive to tell that the handler has ended: connect's client would answer the
// io.EOF in place of the verdict.
func (s *localStream) Send(msg any) error {
	s.begin()
	err := s.up.send(s.ctx, s.done, msg, nil)
	if errors.Is(err, io.EOF) && s.method.Spec.StreamType == connect.StreamTypeServer {
		return nil
	}
	return err
}

func (s *localStream) CloseSend() error {
	s.begin()
	s.up.end()
	return nil
}

func (s *localStream) Close() error {
	s.cancel()
	return nil
}

// Receive returns a single response only together with the verdict, as over a wire.
func (s *localStream) Receive(msg any) error {
	s.begin()
	if s.single {
		return io.EOF
	}
	err := s.down.receive(s.ctx, msg)
	if err != nil {
		return s.finish(err)
	}
	if s.method.Spec.StreamType == connect.StreamTypeClient {
		s.single = true
		if err := s.finish(io.EOF); !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

// finish waits for the handler and tells its verdict.
func (s *localStream) finish(err error) error {
	if !errors.Is(err, io.EOF) {
		s.cancel()
		return refusal.TimeOver(err, true).Err(s.local.self)
	}
	<-s.done
	s.cancel()
	s.reveal()
	switch {
	case s.verdict != nil:
		return s.verdict
	case s.method.Spec.StreamType == connect.StreamTypeClient && !s.single:
		return connect.NewError(connect.CodeUnimplemented, "the stream ended without a response")
	}
	return io.EOF
}

// localStreamServer is the handler's end of a localStream.
type localStreamServer localStream

func (s *localStreamServer) SendHeaders() error { return nil }

func (s *localStreamServer) Receive(msg any) error { return s.up.receive(s.ctx, msg) }

// Send lets the response headers go with the first message, while the caller waits for it.
func (s *localStreamServer) Send(msg any) error {
	return s.down.send(s.ctx, nil, msg, func() {
		s.headers.Do(func() { mirror(s.client.ResponseHeader(), s.server.ResponseHeader()) })
	})
}

// pipe hands messages from one goroutine to another without a buffer. The receiver offers its own message and the
// sender copies into it, so the two never share memory.
type pipe struct {
	offers  chan any
	copied  chan error
	ended   chan struct{}
	endOnce sync.Once
}

func newPipe() *pipe {
	return &pipe{offers: make(chan any), copied: make(chan error, 1), ended: make(chan struct{})}
}

// send waits for a receiver. It returns io.EOF when there will be none, because gone or the pipe ended.
func (p *pipe) send(ctx context.Context, gone <-chan struct{}, msg any, before func()) error {
	select {
	case <-p.ended:
		return io.EOF
	default:
	}
	select {
	case into := <-p.offers:
		if before != nil {
			before()
		}
		p.copied <- copyMessage(into, msg)
		return nil
	case <-gone:
		return io.EOF
	case <-ctx.Done():
		select {
		case <-gone: // the end of a call cancels its context too
			return io.EOF
		default:
			return ctx.Err()
		}
	}
}

// receive waits for a message; io.EOF when the sender has ended.
func (p *pipe) receive(ctx context.Context, into any) error {
	select {
	case p.offers <- into:
		return <-p.copied
	case <-p.ended:
		return io.EOF
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pipe) end() { p.endOnce.Do(func() { close(p.ended) }) }

// copyMessage makes into equal to msg. Generated and dynamic messages of one type may be mixed.
func copyMessage(into, msg any) error {
	to, ok := into.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a proto.Message", into)
	}
	from, ok := msg.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is not a proto.Message", msg)
	}
	if to.ProtoReflect().Descriptor() == from.ProtoReflect().Descriptor() {
		proto.Reset(to)
		proto.Merge(to, from)
		return nil
	}
	data, err := proto.Marshal(from)
	if err != nil {
		return err
	}
	return proto.UnmarshalOptions{RecursionLimit: codec.MaxDepth}.Unmarshal(data, to)
}
