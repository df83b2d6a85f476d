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

var errReturned = errors.New("link: the handler has returned")

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
