package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// serverCall is the serving end of a call, in memory that is used again for other calls of the link.
type serverCall struct {
	call
	serverState
}

// serverState is what a serverCall forgets when it is used again.
type serverState struct {
	link   *Link
	target *target
	scope  *scope

	metadata *buffer // of the OPEN, as it came
	extra    int     // bytes that the call holds besides those in its inbound
	received bool    // the only request message was handed out
	response responseState
	answer   encoded // the only response message, while it is held
}

// responseState is what the handler has made of the response. It does not move the life of the call, which END does.
type responseState uint8

const (
	responseAwaited responseState = iota
	responseHeld                  // the only message of it waits for the END, which brings the headers too
	responseBegun                 // the headers have left
)

// serve runs the handler of c and answers the call. A call that is over before it could begin gets no handler.
func (l *Link) serve(c *serverCall) {
	s := c.scope
	spent := false
	defer func() { l.served.returned(c, spent) }()
	defer s.cancel(context.Canceled)
	defer c.settle()
	if s.Err() != nil {
		return
	}
	err := c.readMetadata()
	if err == nil {
		err = c.handle()
	}
	spent = c.finish(err)
}

// settle takes what the call still holds off the link's account.
func (c *serverCall) settle() {
	held := c.extra
	if c.in.life.state() != handedOver {
		held += c.in.abandon(context.Canceled)
	}
	if held != 0 {
		c.link.held.Add(-int64(held))
	}
}

func (c *serverCall) readMetadata() error {
	if c.metadata == nil {
		return nil
	}
	defer c.metadata.release()
	p := frame.Payload{B: c.metadata.b}
	frame.ReadMetadata(&p, c.scope.info.RequestHeader())
	if p.Err != nil {
		c.link.fail(p.Err)
	}
	return p.Err
}

// handle calls the handler and turns a panic into an internal error. The text of the panic stays here.
func (c *serverCall) handle() (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		c.link.log.Error("handler panicked", "procedure", c.target.Procedure, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		err = connect.NewError(connect.CodeInternal, "the handler panicked; its collector has logged the details")
		if v == nil {
			c.finish(err) // runtime.Goexit: nobody above gets to do it
		}
	}()
	s := c.scope
	s.info.Spec, s.info.Codec, s.info.Protocol = c.target.spec, c.target.Codec, protocolName
	s.info.PeerAddr, s.info.TransportInfo = c.link.peer.CollectorID, &c.target.info
	err = c.link.handler(s, c.target.Procedure, &s.info, s)
	returned = true
	return err
}

func (c *serverCall) singleRequest() bool { return c.target.Kind&connect.StreamTypeClient == 0 }

func (c *serverCall) singleResponse() bool { return c.target.Kind&connect.StreamTypeServer == 0 }

func (c *serverCall) receive(msg any) error {
	if c.singleRequest() && c.received {
		return io.EOF
	}
	m, err := c.link.receive(c.scope, &c.call)
	switch {
	case err == io.EOF:
		return c.noMessage()
	case err != nil:
		return err
	}
	c.received = true
	c.scope.info.ReceiveStats = connect.MessageStats{Size: len(m.data)}
	if err := m.decode(c.target.codec, msg); err != nil {
		return connect.Errorf(connect.CodeInvalidArgument, "unmarshal message: %v", err)
	}
	return nil
}

// noMessage is what the end of the request means to a Receive that waited for a message.
func (c *serverCall) noMessage() error {
	c.in.mu.Lock()
	err := c.in.err
	c.in.mu.Unlock()
	switch {
	case err != nil:
		return err
	case c.singleRequest():
		return connect.NewError(connect.CodeUnimplemented, "unary request has no message")
	}
	return io.EOF
}

func (c *serverCall) flushHeaders() error {
	if c.response == responseBegun || c.singleResponse() {
		return nil
	}
	return c.sendHeaders(frame.FlagFlush)
}

func (c *serverCall) sendHeaders(flags uint8) error {
	c.response = responseBegun
	header := c.scope.info.ResponseHeader()
	if header.Len() == 0 && flags == 0 {
		return nil
	}
	if !frame.MetadataFits(header) {
		return connect.Errorf(connect.CodeResourceExhausted, "response headers exceed %d bytes or %d values", frame.MaxMetadata, frame.MaxValues)
	}
	o := c.link.out
	if err := o.lockRoom(c.scope, c.link.over); err != nil {
		return c.sendError(err)
	}
	defer o.unlock()
	if c.life.state().over() {
		return c.sendError(io.EOF)
	}
	start := len(o.buf)
	o.buf = frame.End(frame.AppendMetadata(frame.Begin(o.buf, frame.TypeHeaders, flags, c.id), header), start)
	return nil
}

func (c *serverCall) sendMessage(msg any) error {
	if c.response == responseHeld {
		return connect.NewError(connect.CodeInternal, "a unary response has one message")
	}
	e, err := c.link.encode(c.target.codec, msg)
	if err != nil {
		return err
	}
	c.scope.info.SendStats = connect.MessageStats{Size: e.size}
	if c.singleResponse() {
		c.answer, c.response = e, responseHeld
		return nil
	}
	defer func() { e.release() }()
	return c.send(&e)
}

func (c *serverCall) send(e *encoded) error {
	if err := c.scope.Err(); err != nil {
		return err
	}
	if c.response != responseBegun {
		if err := c.sendHeaders(0); err != nil {
			return err
		}
	}
	return c.sendError(c.link.sendMessage(c.scope, &c.call, 0, c.target.codec, e))
}

// sendError gives a failed Send its public form. A call whose receiver does not read is over.
func (c *serverCall) sendError(err error) error {
	if err == nil {
		return nil
	}
	if ended := c.scope.Err(); ended != nil {
		return ended
	}
	if errors.Is(err, errLinkOver) {
		return context.Canceled
	}
	var stalled *connect.Error
	if errors.As(err, &stalled) && stalled.Code() == connect.CodeResourceExhausted {
		c.refuse(c.link, stalled)
	}
	return err
}

// abandon ends both halves of an aborted call, and the handler's context, for the reason.
func (c *serverCall) abandon(reason error) {
	c.scope.cancel(reason)
	c.in.fail(reason)
	c.link.out.closeHalf(&c.out)
}

// expire ends a call that was aborted because its deadline passed; the caller has noticed by its own clock.
func (c *serverCall) expire(l *Link) {
	c.abandon(context.DeadlineExceeded)
	l.sendEnd(c.id, connect.NewError(connect.CodeDeadlineExceeded, "the deadline passed on the serving collector"))
}

// refuse ends a call for a reason of the link's own.
func (c *serverCall) refuse(l *Link, err *connect.Error) {
	if _, moved := c.life.on(overLimit); moved {
		l.served.remove(c.id)
		c.abandon(context.Canceled)
		l.sendEnd(c.id, err)
	}
}

// sendEnd ends a call with nothing but an error.
func (l *Link) sendEnd(id uint64, err *connect.Error) {
	o := l.out
	o.mu.Lock()
	start := len(o.buf)
	o.buf = frame.End(frame.AppendError(frame.Begin(o.buf, frame.TypeEnd, frame.FlagError, id), err), start)
	o.unlock()
}
