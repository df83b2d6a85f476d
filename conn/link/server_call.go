package link

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
	"github.com/collectiverpc/collective/internal/gate"
)

// target is a name as the serving end knows it, with what each of its calls needs.
type target struct {
	frame.Name
	spec  connect.Spec
	info  any // TransportInfo of its calls
	codec codec
}

const (
	// callCost is what a call takes besides what came with it: its state, and the stack of its handler.
	callCost = 8 << 10
	// nameCost is what a name takes besides its text, which whoever serves may have in other words too.
	nameCost = 512
	// valueCost is what a value of a header takes besides its text, as measured: its place in a map and in a slice that grew.
	valueCost = 144
)

// cost is the memory of a target.
func (t *target) cost() int { return 2*(t.Size()+len(t.Caller)) + nameCost }

func newTarget(name frame.Name, info any) *target {
	return &target{
		Name:  name,
		spec:  connect.Spec{Procedure: name.Procedure, StreamType: name.Kind, IdempotencyLevel: name.Idempotency},
		info:  info,
		codec: codecByName(name.Codec),
	}
}

// serverCall is the serving end of a call, in memory that is used again for other calls of the link.
type serverCall struct {
	call
	serverState
}

// serverState is what a serverCall forgets when it is used again.
type serverState struct {
	core   *core
	target *target
	stream *handlerStream

	metadata *buffer.Buffer // of the OPEN, as it came
	extra    int            // bytes that the call holds besides those in its inbound
	received bool           // the only request message was handed out
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

// releaseHeld takes what the call still holds off the link's account.
func (c *serverCall) releaseHeld() {
	held := c.extra
	if c.in.life.state() == handedOver {
		held += c.in.rest.Take()
	} else {
		held += c.in.drop(context.Canceled)
	}
	c.core.receiver.release(held)
}

func (c *serverCall) readMetadata() error {
	if c.metadata == nil {
		return nil
	}
	defer c.metadata.Release()
	if err := c.holdMetadata(len(c.metadata.B)+frame.CountValues(c.metadata.B)*valueCost, cap(c.metadata.B)); err != nil {
		return err
	}
	p := frame.Payload{B: c.metadata.B}
	_, err := frame.ReadMetadata(&p, c.stream.info.RequestHeader())
	if err != nil {
		c.core.end.fail(err)
	}
	return err
}

// holdMetadata counts what the metadata will take, before it is made, instead of the block that it was in.
func (c *serverCall) holdMetadata(now, before int) error {
	c.extra += now - before
	if c.core.receiver.account.Take(now-before) || now <= before {
		return nil
	}
	return c.core.receiver.holdsTooMuch()
}

func (c *serverCall) receive(msg any) error {
	if oneRequest(c.target.Kind) && c.received {
		return io.EOF
	}
	m, err := c.core.receiver.receive(c.stream, &c.call)
	switch {
	case err == io.EOF:
		return c.noMessage()
	case err != nil:
		return err
	}
	c.received = true
	c.stream.info.ReceiveStats = connect.MessageStats{Size: len(m.data)}
	if err := m.decode(c.target.codec, msg); err != nil {
		return connect.Errorf(connect.CodeInvalidArgument, "unmarshal message: %v", err)
	}
	return nil
}

// noMessage is what the end of the request means to a Receive that waited for a message.
func (c *serverCall) noMessage() error {
	held, err := c.in.failure()
	c.core.receiver.release(held)
	switch {
	case err != nil:
		return err
	case oneRequest(c.target.Kind):
		return connect.NewError(connect.CodeUnimplemented, "unary request has no message")
	}
	return io.EOF
}

func (c *serverCall) flushHeaders() error {
	if c.response == responseBegun || oneResponse(c.target.Kind) {
		return nil
	}
	return c.sendHeaders(frame.FlagFlush)
}

func (c *serverCall) sendHeaders(flags uint8) error {
	c.response = responseBegun
	header := c.stream.info.ResponseHeader()
	if header.Len() == 0 && flags == 0 {
		return nil
	}
	if !frame.MetadataFits(header) {
		return connect.Errorf(connect.CodeResourceExhausted, "response headers exceed %d bytes or %d values", frame.MaxMetadata, frame.MaxValues)
	}
	o := c.core.out
	if err := o.Lock(c.stream); err != nil {
		return c.sendError(err)
	}
	defer o.Unlock()
	if c.life.state().over() {
		return c.sendError(io.EOF)
	}
	b := o.Buffer()
	o.SetBuffer(frame.End(frame.AppendMetadata(frame.Begin(b, frame.TypeHeaders, flags, c.id), header), len(b)))
	return nil
}

func (c *serverCall) sendMessage(msg any) error {
	if c.response == responseHeld {
		return connect.NewError(connect.CodeInternal, "a unary response has one message")
	}
	e, err := c.core.sender.encode(c.stream, c.target.codec, msg)
	if err != nil {
		return encodeError(err)
	}
	c.stream.info.SendStats = connect.MessageStats{Size: e.size}
	if oneResponse(c.target.Kind) {
		c.answer, c.response = e, responseHeld
		return nil
	}
	defer func() { e.release() }()
	return c.send(&e)
}

func (c *serverCall) send(e *encoded) error {
	if err := c.stream.Err(); err != nil {
		return err
	}
	if c.response != responseBegun {
		if err := c.sendHeaders(0); err != nil {
			return err
		}
	}
	return c.sendError(c.core.sender.send(c.stream, &c.call, 0, c.target.codec, e))
}

// encodeError gives a Send its public form whose message was not encoded. The call goes on.
func encodeError(err error) error {
	if errors.Is(err, outbox.ErrOver) {
		return context.Canceled
	}
	return err
}

// sendError gives a failed Send its public form. A call whose receiver does not read is over.
func (c *serverCall) sendError(err error) error {
	if err == nil {
		return nil
	}
	if ended := c.stream.Err(); ended != nil {
		return ended
	}
	if errors.Is(err, outbox.ErrOver) {
		return context.Canceled
	}
	var stalled *connect.Error
	if errors.As(err, &stalled) && stalled.Code() == connect.CodeResourceExhausted {
		c.refuse(stalled)
	}
	return err
}

// fill gives the call a part of a message, or refuses it if that is too much.
func (c *serverCall) fill(p part) error {
	refusal, err := c.core.receiver.fill(&c.call, p)
	if refusal != nil {
		c.refuse(refusal)
	}
	return err
}

// refuse ends a call for a reason of the link's own.
func (c *serverCall) refuse(err *connect.Error) {
	if c.abort(overLimit, context.Canceled) {
		c.core.sendEnd(c.id, err)
	}
}

// expire ends a call whose deadline passed; the caller has noticed by its own clock.
func (c *serverCall) expire() {
	if c.abort(timedOut, context.DeadlineExceeded) {
		c.sayExpired()
	}
}

// abort ends a call by an event other than its END, and reports whether it had not ended. The handler's context ends for the
// reason.
func (c *serverCall) abort(e event, reason error) bool {
	_, moved := c.life.on(e)
	if moved {
		c.abandon(reason)
	}
	return moved
}

// sayExpired answers an aborted call whose deadline passed.
func (c *serverCall) sayExpired() {
	c.core.sendEnd(c.id, connect.NewError(connect.CodeDeadlineExceeded, "the deadline passed on the serving collector"))
}

// abandon ends both halves of an aborted call, and the handler's context, for the reason.
func (c *serverCall) abandon(reason error) {
	c.stream.cancel(reason)
	c.in.fail(reason)
	c.core.out.StopSender(&c.out)
}

// handlerStream is what the handler of a call gets, and may keep: its context, its CallInfo and its [connect.ServerStream]. The
// call behind it is used again when the handler has returned; the stream is closed then.
type handlerStream struct {
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
func (s *handlerStream) leave() bool {
	_, alone := s.gate.Close()
	return alone
}

func (s *handlerStream) Receive(msg any) error {
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
func (s *handlerStream) StopReceiving() {
	if !s.gate.Enter() {
		return
	}
	defer s.gate.Leave()
	s.call.core.receiver.release(s.call.in.drop(errStopped))
}

// SendHeaders sends the response headers now. A single response carries them itself, so it waits for that.
func (s *handlerStream) SendHeaders() error {
	if !s.gate.Enter() {
		return errReturned
	}
	defer s.gate.Leave()
	return s.call.flushHeaders()
}

// Send encodes msg before it returns. A single response leaves when the handler has returned.
func (s *handlerStream) Send(msg any) error {
	if !s.gate.Enter() {
		return errReturned
	}
	defer s.gate.Leave()
	return s.call.sendMessage(msg)
}
