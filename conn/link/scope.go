package link

import (
	"errors"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/internal/gate"
)

// scope is what the handler of a call gets, and may keep: its context, its CallInfo and its [connect.ServerStream]. The
// call behind it is used again when the handler has returned; the stream is closed then.
type scope struct {
	callContext
	info connect.CallInfo
	call *serverCall
	gate gate.Gate
}

var (
	errReturned = errors.New("link: the handler has returned")
	errStopped  = errors.New("link: the handler has stopped receiving")
)

// leave closes the stream and reports whether nothing uses the call any more.
func (s *scope) leave() bool {
	_, alone := s.gate.Close()
	return alone
}

func (s *scope) Receive(msg any) error {
	if !s.gate.Enter() {
		return errReturned
	}
	defer s.gate.Leave()
	return s.call.receive(msg)
}

// ReceiveStopper is what the [connect.ServerStream] of a link can do besides.
type ReceiveStopper interface {
	// StopReceiving ends the receiving half of the call: a Receive that waits returns an error, and what the caller still
	// sends is dropped. It is for a handler that has its verdict while another goroutine of it is reading; the answer may
	// still be sent.
	StopReceiving()
}

// StopReceiving makes it a [ReceiveStopper].
func (s *scope) StopReceiving() {
	if !s.gate.Enter() {
		return
	}
	defer s.gate.Leave()
	if held := s.call.in.abandon(errStopped); held != 0 {
		s.call.link.held.Add(-int64(held))
	}
}

// SendHeaders sends the response headers now. A single response carries them itself, so it waits for that.
func (s *scope) SendHeaders() error {
	if !s.gate.Enter() {
		return errReturned
	}
	defer s.gate.Leave()
	return s.call.flushHeaders()
}

// Send encodes msg before it returns. A single response leaves when the handler has returned.
func (s *scope) Send(msg any) error {
	if !s.gate.Enter() {
		return errReturned
	}
	defer s.gate.Leave()
	return s.call.sendMessage(msg)
}
