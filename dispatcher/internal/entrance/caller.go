package entrance

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/internal/gate"
	"github.com/collectiverpc/collective/mesh"
)

// callerStream is what a client of [Transport] holds of its call. The call itself lies behind it, in memory
// that is used again once the client has closed a unary call; a client that goes on using its stream finds it closed.
// The gate counts the methods that are running: the memory goes to another call only when there are none.
type callerStream struct {
	call *callerCall
	gate gate.Gate
}

// callerCall is a call of this process under way.
// Only NewClientStream and the stream have it. It is told to the recorder once, by the first of the end of the answer, an
// error and Close.
type callerCall struct {
	call.Request
	call.Observation
	stream connect.ClientStream
	onPeer *call.RetryingCall // of a call on a peer
	told   atomic.Bool        // the recorder knows
}

var callerCalls = sync.Pool{New: func() any { return new(callerCall) }}

var errStreamClosed = connect.NewError(connect.CodeCanceled, "the stream was closed")

// SendHeaders of a closed stream is io.EOF, as Send is: the reason is Receive's to tell.
func (s *callerStream) SendHeaders() error {
	if !s.gate.Enter() {
		return io.EOF
	}
	defer s.gate.Leave()
	return s.call.stream.SendHeaders()
}

// Send leaves errors as they are. They do not end the observation: the verdict comes by Receive.
func (s *callerStream) Send(msg any) error {
	if !s.gate.Enter() {
		return io.EOF
	}
	defer s.gate.Leave()
	return s.call.stream.Send(msg)
}

// CloseSend of a closed stream has nothing left to do.
func (s *callerStream) CloseSend() error {
	if !s.gate.Enter() {
		return nil
	}
	defer s.gate.Leave()
	return s.call.stream.CloseSend()
}

// Receive ends the observation with the last that there is to receive: a single answer, the end of a stream, or an error.
func (s *callerStream) Receive(msg any) error {
	if !s.gate.Enter() {
		return errStreamClosed
	}
	defer s.gate.Leave()
	c := s.call
	err := c.stream.Receive(msg)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		c.tell(err)
	case err != nil || c.Spec.StreamType&connect.StreamTypeServer == 0:
		c.tell(nil)
	}
	return err
}

// Close may be called while other methods run. Then they still use the call, and its memory is left to the garbage
// collector.
func (s *callerStream) Close() error {
	first, alone := s.gate.Close()
	if !first {
		return nil
	}
	c := s.call
	c.tell(nil)
	err := c.stream.Close()
	if alone && c.Spec.StreamType == connect.StreamTypeUnary {
		c.recycle()
	}
	return err
}

// tell tells the recorder how the call went. Who comes first is right.
func (c *callerCall) tell(err error) {
	if c.told.Swap(true) {
		return
	}
	route, ok := c.Info.TransportInfo.(*mesh.Route)
	if !ok {
		route = c.View.Route
	}
	c.End(route, err)
}

// recycle forgets everything, so that no call sees what another has left. Streams are never used again: their clients may
// keep them beyond Close.
func (c *callerCall) recycle() {
	if c.onPeer != nil {
		c.onPeer.Recycle()
	}
	c.Request, c.Observation, c.stream, c.onPeer = call.Request{}, call.Observation{}, nil, nil
	c.told.Store(false)
	callerCalls.Put(c)
}
