package link

import (
	"context"
	"errors"
	"fmt"
	"math"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// readLoop hands every arriving frame to its call. It never waits for anybody: a frame is copied to where its receiver
// finds it.
func (l *Link) readLoop(frames *frame.Reader) error {
	names := frame.NewReceivedNames(l.newTarget)
	for {
		h, body, err := frames.Next()
		if err != nil {
			return err
		}
		if err := l.accept(h, body, names); err != nil {
			return err
		}
		if l.out.overflow.Load() {
			return errFlood
		}
	}
}

func (l *Link) accept(h frame.Header, body []byte, names *frame.ReceivedNames[target]) error {
	switch h.Type {
	case frame.TypeOpen:
		return l.acceptOpen(h, body, names)
	case frame.TypeMessage:
		return l.acceptMessage(h, body)
	case frame.TypeHeaders:
		return l.acceptHeaders(h, body)
	case frame.TypeEnd:
		return l.acceptEnd(h, body)
	case frame.TypeCancel:
		return l.acceptCancel(h)
	case frame.TypeWindow:
		return l.acceptWindow(h, body)
	case frame.TypePing:
		return l.acceptPing(body)
	case frame.TypePong:
		l.live.pong(body)
	case frame.TypeCatalog:
		return l.catalog.accept(l, h, body)
	case frame.TypeGoaway:
		return l.acceptGoaway(h, body)
	case frame.TypeHello:
		return frame.Malformed("a second HELLO")
	}
	return nil
}

// own reports whether a call id is one that this end gives.
func (l *Link) own(id uint64) bool { return (id%2 == 1) == l.initiator }

// refuser is an end of a call that the link can end for a reason of its own.
type refuser interface {
	refuse(l *Link, err *connect.Error)
}

// fill gives a part to the receiving half in of call. A call that exceeds a limit is refused; an error is a violation
// of the protocol.
func (l *Link) fill(call refuser, id uint64, in *inbound, p part) error {
	if l.held.Load()+int64(len(p.data)) > int64(l.limits.MaxHeld) {
		call.refuse(l, l.heldTooMuch())
		return nil
	}
	grant, held, err := in.push(p, l.limits.MaxMessage)
	if errors.Is(err, errTooLarge) {
		call.refuse(l, connect.Errorf(connect.CodeResourceExhausted, "message is larger than the limit of %d bytes", l.limits.MaxMessage))
		return nil
	}
	l.settle(id, grant, held)
	return err
}

func (l *Link) heldTooMuch() *connect.Error {
	return connect.Errorf(connect.CodeResourceExhausted,
		"%d bytes wait to be received on this link already; receive faster or send less at once", l.limits.MaxHeld)
}

func (l *Link) acceptMessage(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	piece := part{first: h.Has(frame.FlagFirst), more: h.Has(frame.FlagMore), last: h.Has(frame.FlagHalfClose)}
	if piece.first {
		piece.size = int(min(p.Uvarint(), math.MaxInt32))
	}
	if p.Err != nil {
		return p.Err
	}
	piece.data = p.B
	if l.own(h.Call) {
		return l.acceptResponse(h, piece)
	}
	return l.acceptRequest(h, piece)
}

func (l *Link) acceptResponse(h frame.Header, piece part) error {
	s := l.calls.get(h.Call)
	switch {
	case s == nil:
		return l.unknownCall(h.Call)
	case !h.Has(frame.FlagMessage) || piece.last:
		return frame.Malformed("MESSAGE without a message, or with a half-close, from a server")
	}
	return l.fill(s, s.id, &s.in, piece)
}

func (l *Link) unknownCall(id uint64) error {
	if id != 0 && l.calls.used(id) {
		return nil // late frame of a call that has ended
	}
	return neverOpened(id)
}

func neverOpened(id uint64) error {
	return frame.Malformed(fmt.Sprintf("call %d was never opened", id))
}

func (l *Link) acceptRequest(h frame.Header, piece part) error {
	c, err := l.servedCall(h.Call)
	switch {
	case c == nil:
		return err
	case c.life.state() == halfClosed:
		return frame.Malformed("message after the end of the request")
	case piece.last:
		c.life.on(sentLast)
	}
	if h.Has(frame.FlagMessage) {
		return l.fill(c, c.id, &c.in, piece)
	}
	if !piece.last {
		return frame.Malformed("MESSAGE without a message or a half-close")
	}
	return c.in.closeOrderly(ending{})
}

// servedCall returns the call of the other end with this id; nil if it has ended.
func (l *Link) servedCall(id uint64) (*serverCall, error) {
	c, known := l.served.get(id)
	if c == nil && (!known || id == 0) {
		return nil, neverOpened(id)
	}
	return c, nil
}

func (l *Link) acceptHeaders(h frame.Header, body []byte) error {
	if !l.own(h.Call) {
		return frame.Malformed("HEADERS from a caller")
	}
	s := l.calls.get(h.Call)
	switch {
	case s == nil:
		return l.unknownCall(h.Call)
	case s.headers.Load() != headersAwaited:
		return frame.Malformed("HEADERS twice")
	}
	s.head.Store(copyOf(body))
	if !h.Has(frame.FlagFlush) {
		s.headers.Store(headersCame)
		return nil
	}
	s.headers.Store(headersFlushed)
	s.in.nudge()
	return nil
}

func (l *Link) acceptEnd(h frame.Header, body []byte) error {
	if !l.own(h.Call) {
		return frame.Malformed("END from a caller")
	}
	s := l.calls.take(h.Call)
	if s == nil {
		return l.unknownCall(h.Call)
	}
	err := l.end(s, h, body)
	if err != nil {
		s.abort(l.unavailable(true, err))
	}
	return err
}

// end gives s its verdict, and the message that comes with it if any. From then on s is its caller's alone, who may use
// it for another call.
func (l *Link) end(s *clientStream, h frame.Header, body []byte) error {
	message, fields, err := splitEnd(h, body)
	if err != nil {
		return err
	}
	if _, moved := s.life.on(sentEnd); !moved {
		return nil // the caller has given up in this moment
	}
	end := ending{flags: h.Flags}
	if len(fields) > 0 {
		end.fields = copyOf(fields)
	}
	l.out.closeHalf(&s.out)
	if h.Has(frame.FlagMessage) {
		return l.fill(s, s.id, &s.in, part{data: message, last: true, end: end})
	}
	return s.in.closeOrderly(end)
}

// splitEnd separates the message of an END from the fields before it.
func splitEnd(h frame.Header, body []byte) (message, fields []byte, err error) {
	if !h.Has(frame.FlagMessage) {
		return nil, body, nil
	}
	if h.Has(frame.FlagError) {
		return nil, nil, frame.Malformed("END with an error and a message")
	}
	p := frame.Payload{B: body}
	if h.Has(frame.FlagMetadata) {
		p.Bytes(frame.MaxMetadata)
		p.Bytes(frame.MaxMetadata)
	}
	return p.B, body[:len(body)-len(p.B)], p.Err
}

func (l *Link) acceptCancel(h frame.Header) error {
	if l.own(h.Call) {
		return frame.Malformed("CANCEL of a call by its server")
	}
	c, err := l.servedCall(h.Call)
	if c == nil {
		return err
	}
	e, reason := gaveUp, context.Canceled
	if h.Has(frame.FlagDeadline) {
		e, reason = timedOut, context.DeadlineExceeded
	}
	if _, moved := c.life.on(e); moved {
		l.served.remove(h.Call)
		c.abandon(reason)
	}
	return nil
}

func (l *Link) acceptWindow(h frame.Header, body []byte) error {
	p := frame.Payload{B: body}
	grant := p.Uvarint()
	if p.Err != nil {
		return p.Err
	}
	if grant > math.MaxInt32 {
		return frame.Malformed("credit out of range")
	}
	if l.own(h.Call) {
		if s := l.calls.get(h.Call); s != nil {
			return l.credit(s.id, &s.in, &s.out, int(grant))
		}
		return l.unknownCall(h.Call)
	}
	c, err := l.servedCall(h.Call)
	if c == nil {
		return err
	}
	return l.credit(c.id, &c.in, &c.out, int(grant))
}

// credit is what a WINDOW says of a call: how much more may be sent, or that the other end would send more.
func (l *Link) credit(id uint64, in *inbound, out *outbound, grant int) error {
	if grant > 0 {
		return l.out.add(out, grant)
	}
	l.settle(id, in.starve(), 0)
	return nil
}

func (l *Link) acceptPing(body []byte) error {
	if len(body) != 8 {
		return frame.Malformed("PING of a wrong size")
	}
	l.out.control(frame.TypePong, 0, 0, body...)
	return nil
}
