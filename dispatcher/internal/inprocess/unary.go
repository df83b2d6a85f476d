package inprocess

import (
	"context"
	"io"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// unaryCall is the caller's end of a unary call. It runs the handler inside the caller's Receive: no goroutine, one copy each way.
type unaryCall struct {
	call
	ctx      context.Context //nolint:containedctx // the stream lives as long as the call
	request  chan any        // the request, once; closed without one by CloseSend
	sent     bool            // the caller's: Send was called
	closed   bool            // the caller's: CloseSend was called
	received bool            // the caller's: Receive was called, and so the handler runs or has run
	message  any             // the request, nil for none
	taken    bool            // the handler's: it has received the request
	answer   any             // where the caller wants the response
	answered bool            // the handler's: the response is there
}

func (s *unaryCall) SendHeaders() error { return nil }

// Send keeps msg without a copy until Receive; the channel has room for it, so it never waits.
func (s *unaryCall) Send(msg any) error {
	if s.sent || s.closed {
		return io.EOF
	}
	s.sent = true
	s.request <- msg
	return nil
}

func (s *unaryCall) CloseSend() error {
	if !s.closed {
		s.closed = true
		close(s.request)
	}
	return nil
}

func (s *unaryCall) Close() error { return nil }

// Receive waits for a request that another goroutine may yet send, and then is the whole call.
func (s *unaryCall) Receive(msg any) error {
	if s.received {
		return io.EOF
	}
	s.received = true
	select {
	case s.message = <-s.request:
	case <-s.ctx.Done():
		return refusal.TimeOver(s.ctx.Err(), false).Err(s.self)
	}
	s.answer = msg
	s.sendHeaders()
	err := s.handle(s.ctx, (*unaryServer)(s))
	s.receiveHeaders()
	if err != nil {
		return err
	}
	if !s.answered {
		return connect.NewError(connect.CodeUnimplemented, "unary response has no message")
	}
	return nil
}

// unaryServer is the handler's end of a unaryCall.
type unaryServer unaryCall

func (s *unaryServer) SendHeaders() error { return nil }

func (s *unaryServer) Receive(msg any) error {
	if s.taken {
		return io.EOF
	}
	s.taken = true
	if s.message == nil {
		return connect.NewError(connect.CodeUnimplemented, "unary request has no message")
	}
	return copyMessage(msg, s.message)
}

// Send copies straight into the message that the caller's Receive was given.
func (s *unaryServer) Send(msg any) error {
	if s.answered {
		return connect.NewError(connect.CodeInternal, "a unary response has one message")
	}
	s.answered = true
	return copyMessage(s.answer, msg)
}
