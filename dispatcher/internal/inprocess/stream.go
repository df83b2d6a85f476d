package inprocess

import (
	"context"
	"errors"
	"io"
	"sync"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/header"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
)

// streamCall is the caller's end of a streaming call. The handler runs on a goroutine that starts with the first
// operation and ends when the handler returns; Close and the end of the context cancel it.
type streamCall struct {
	call
	ctx      context.Context //nolint:containedctx // the stream lives as long as the call
	cancel   context.CancelFunc
	up, down *pipe
	start    sync.Once
	done     chan struct{} // closed when the handler has returned
	verdict  error         // readable after done
	headers  sync.Once     // shows the response headers to the caller, with the first message
	single   bool          // the only response was received
}

// begin starts the handler at the first operation, so that headers which the caller sets until then are seen by it.
func (s *streamCall) begin() {
	s.start.Do(func() {
		s.sendHeaders()
		go func() {
			defer close(s.done)
			s.verdict = s.handle(s.ctx, (*streamServer)(s))
			s.down.end()
		}()
	})
}

func (s *streamCall) SendHeaders() error {
	s.begin()
	return nil
}

// Send of a single request leaves it to Receive to tell that the handler has ended: connect's client would answer the
// io.EOF in place of the verdict.
func (s *streamCall) Send(msg any) error {
	s.begin()
	err := s.up.send(s.ctx, s.done, msg, nil)
	if errors.Is(err, io.EOF) && s.method.Spec.StreamType == connect.StreamTypeServer {
		return nil
	}
	return err
}

// CloseSend lets the handler's Receive return io.EOF.
func (s *streamCall) CloseSend() error {
	s.begin()
	s.up.end()
	return nil
}

func (s *streamCall) Close() error {
	s.cancel()
	return nil
}

// Receive returns a single response only together with the verdict, as over a wire.
func (s *streamCall) Receive(msg any) error {
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
func (s *streamCall) finish(err error) error {
	if !errors.Is(err, io.EOF) {
		s.cancel()
		return refusal.TimeOver(err, true).Err(s.self)
	}
	<-s.done
	s.cancel()
	s.receiveHeaders()
	switch {
	case s.verdict != nil:
		return s.verdict
	case s.method.Spec.StreamType == connect.StreamTypeClient && !s.single:
		return connect.NewError(connect.CodeUnimplemented, "the stream ended without a response")
	}
	return io.EOF
}

// streamServer is the handler's end of a streamCall.
type streamServer streamCall

func (s *streamServer) SendHeaders() error { return nil }

func (s *streamServer) Receive(msg any) error { return s.up.receive(s.ctx, msg) }

// Send lets the response headers go with the first message, while the caller waits for it.
func (s *streamServer) Send(msg any) error {
	return s.down.send(s.ctx, nil, msg, func() {
		s.headers.Do(func() { header.Mirror(s.client.ResponseHeader(), s.server.ResponseHeader()) })
	})
}
