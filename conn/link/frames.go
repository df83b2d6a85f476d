package link

import (
	"context"
	"errors"
	"fmt"
	"math"

	"connectrpc.com/connect/v2"
)

// readLoop hands every arriving frame to its call. It never waits for anybody: a frame is copied to where its receiver
// finds it.
func (l *Link) readLoop(frames *frameReader) error {
	var names receivedNames
	for {
		h, body, err := frames.next()
		if err != nil {
			return err
		}
		if err := l.accept(h, body, &names); err != nil {
			return err
		}
		if l.out.overflow.Load() {
			return errFlood
		}
	}
}

func (l *Link) accept(h frameHeader, body []byte, names *receivedNames) error {
	switch h.typ {
	case frameOpen:
		return l.acceptOpen(h, body, names)
	case frameMessage:
		return l.acceptMessage(h, body)
	case frameHeaders:
		return l.acceptHeaders(h, body)
	case frameEnd:
		return l.acceptEnd(h, body)
	case frameCancel:
		return l.acceptCancel(h)
	case frameWindow:
		return l.acceptWindow(h, body)
	case framePing:
		return l.acceptPing(body)
	case framePong:
		l.live.pong(body)
	case frameCatalog:
		return l.catalog.accept(l, h, body)
	case frameGoaway:
		return l.acceptGoaway(h, body)
	case frameHello:
		return protocolError("a second HELLO")
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

func (l *Link) acceptMessage(h frameHeader, body []byte) error {
	p := payload{b: body}
	piece := part{first: h.has(flagFirst), more: h.has(flagMore), last: h.has(flagHalfClose)}
	if piece.first {
		piece.size = int(min(p.uvarint(), math.MaxInt32))
	}
	if p.err != nil {
		return p.err
	}
	piece.data = p.b
	if l.own(h.call) {
		return l.acceptResponse(h, piece)
	}
	return l.acceptRequest(h, piece)
}

func (l *Link) acceptResponse(h frameHeader, piece part) error {
	s := l.calls.get(h.call)
	switch {
	case s == nil:
		return l.unknownCall(h.call)
	case !h.has(flagMessage) || piece.last:
		return protocolError("MESSAGE without a message, or with a half-close, from a server")
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
	return protocolError(fmt.Sprintf("call %d was never opened", id))
}

func (l *Link) acceptRequest(h frameHeader, piece part) error {
	c, err := l.servedCall(h.call)
	switch {
	case c == nil:
		return err
	case c.halfClosed:
		return protocolError("message after the end of the request")
	}
	c.halfClosed = piece.last
	if h.has(flagMessage) {
		return l.fill(c, c.id, &c.in, piece)
	}
	if !piece.last {
		return protocolError("MESSAGE without a message or a half-close")
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

func (l *Link) acceptHeaders(h frameHeader, body []byte) error {
	if !l.own(h.call) {
		return protocolError("HEADERS from a caller")
	}
	s := l.calls.get(h.call)
	switch {
	case s == nil:
		return l.unknownCall(h.call)
	case s.headed:
		return protocolError("HEADERS twice")
	}
	s.headed = true
	s.head.Store(copyOf(body))
	if h.has(flagFlush) {
		s.flushed.Store(true)
		s.in.nudge()
	}
	return nil
}

func (l *Link) acceptEnd(h frameHeader, body []byte) error {
	if !l.own(h.call) {
		return protocolError("END from a caller")
	}
	s := l.calls.take(h.call)
	if s == nil {
		return l.unknownCall(h.call)
	}
	err := l.end(s, h, body)
	if err != nil {
		s.abort(l.unavailable(true, err))
	}
	return err
}

// end gives s its verdict, and the message that comes with it if any. From then on s is its caller's alone, who may use
// it for another call.
func (l *Link) end(s *clientStream, h frameHeader, body []byte) error {
	message, fields, err := splitEnd(h, body)
	if err != nil {
		return err
	}
	end := ending{given: true, flags: h.flags}
	if len(fields) > 0 {
		end.fields = copyOf(fields)
	}
	l.out.closeHalf(&s.out)
	if h.has(flagMessage) {
		return l.fill(s, s.id, &s.in, part{data: message, last: true, end: end})
	}
	return s.in.closeOrderly(end)
}

// splitEnd separates the message of an END from the fields before it.
func splitEnd(h frameHeader, body []byte) (message, fields []byte, err error) {
	if !h.has(flagMessage) {
		return nil, body, nil
	}
	if h.has(flagError) {
		return nil, nil, protocolError("END with an error and a message")
	}
	p := payload{b: body}
	if h.has(flagMetadata) {
		p.bytes(maxMetadata)
		p.bytes(maxMetadata)
	}
	return p.b, body[:len(body)-len(p.b)], p.err
}

func (l *Link) acceptCancel(h frameHeader) error {
	if l.own(h.call) {
		return protocolError("CANCEL of a call by its server")
	}
	c, err := l.servedCall(h.call)
	if c == nil {
		return err
	}
	l.served.remove(h.call)
	reason := context.Canceled
	if h.has(flagDeadline) {
		reason = context.DeadlineExceeded
	}
	c.abandon(reason)
	return nil
}

func (l *Link) acceptWindow(h frameHeader, body []byte) error {
	p := payload{b: body}
	grant := p.uvarint()
	if p.err != nil {
		return p.err
	}
	if grant > math.MaxInt32 {
		return protocolError("credit out of range")
	}
	if l.own(h.call) {
		if s := l.calls.get(h.call); s != nil {
			return l.credit(s.id, &s.in, &s.out, int(grant))
		}
		return l.unknownCall(h.call)
	}
	c, err := l.servedCall(h.call)
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
		return protocolError("PING of a wrong size")
	}
	l.out.control(framePong, 0, 0, body...)
	return nil
}
