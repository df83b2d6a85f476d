package link

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

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
		l.live.pong()
	case frameCatalog:
		return l.catalog.accept(l, h, body)
	case frameGoaway:
		return l.acceptGoaway(body)
	case frameHello:
		return protocolError("a second HELLO")
	}
	return nil
}

// own reports whether a call id is one that this end gives.
func (l *Link) own(id uint64) bool { return (id%2 == 1) == l.initiator }

func (l *Link) acceptOpen(h frameHeader, body []byte, names *receivedNames) error {
	p := payload{b: body}
	c := &serverCall{link: l, id: h.call, target: names.read(l, &p)}
	timeout := p.uvarint()
	if h.has(flagMetadata) {
		block := p.b
		p.bytes(maxMetadata)
		c.metadata = copyOf(block[:len(block)-len(p.b)])
	}
	if p.err != nil {
		return p.err
	}
	if l.own(h.call) || h.call == 0 {
		return protocolError(fmt.Sprintf("call %d is not the other end's to open", h.call))
	}
	c.ctx.base, c.out.credit = context.Background(), l.window
	if timeout > 0 {
		c.ctx.deadline = time.Now().Add(time.Duration(min(timeout-1, math.MaxInt64/10_000)) * time.Microsecond)
	}
	return l.admit(c, h, p.b)
}

func copyOf(b []byte) *buffer {
	buf := newBuffer()
	buf.b = append(buf.b, b...)
	return buf
}

func (l *Link) admit(c *serverCall, h frameHeader, message []byte) error {
	switch l.served.add(c, l.limits.MaxCalls) {
	case reused:
		return protocolError(fmt.Sprintf("call %d was opened before", h.call))
	case ignored:
		return nil
	case overCap:
		l.sendEnd(c.id, connect.Errorf(connect.CodeResourceExhausted, "%d calls already run on this link", l.limits.MaxCalls))
		return nil
	case admitted:
	}
	var err error
	if h.has(flagMessage) {
		err = l.fill(c, c.id, &c.in, part{data: message})
	}
	if h.has(flagHalfClose) {
		c.in.close(nil)
	}
	l.work.run(c)
	return err
}

// refuser is an end of a call that the link can end for a reason of its own.
type refuser interface {
	refuse(l *Link, err *connect.Error)
}

// fill gives a part to the receiving half in of call. A call that exceeds a limit is refused; an error is a violation
// of the protocol.
func (l *Link) fill(call refuser, id uint64, in *inbound, p part) error {
	if l.held.Load()+int64(len(p.data)) > int64(l.limits.MaxHeld) {
		call.refuse(l, connect.Errorf(connect.CodeResourceExhausted,
			"%d bytes wait to be received on this link already; receive faster or send less at once", l.limits.MaxHeld))
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

func (l *Link) acceptMessage(h frameHeader, body []byte) error {
	p := payload{b: body}
	piece := part{more: h.has(flagMore)}
	if h.has(flagFirst) {
		piece.size = int(min(p.uvarint(), math.MaxInt32))
	}
	if p.err != nil {
		return p.err
	}
	piece.data = p.b
	if len(piece.data) > partSize {
		return protocolError("part of a message exceeds 16 KiB")
	}
	if l.own(h.call) {
		return l.acceptResponse(h, piece)
	}
	return l.acceptRequest(h, piece)
}

func (l *Link) acceptResponse(h frameHeader, piece part) error {
	s := l.calls.get(h.call)
	if s == nil {
		return l.unknownCall(h.call)
	}
	return l.fill(s, s.id, &s.in, piece)
}

func (l *Link) unknownCall(id uint64) error {
	if id != 0 && l.calls.used(id) {
		return nil // late frame of a call that has ended
	}
	return protocolError(fmt.Sprintf("call %d was never opened", id))
}

func (l *Link) acceptRequest(h frameHeader, piece part) error {
	c, known := l.served.get(h.call)
	if c == nil {
		if known && h.call != 0 {
			return nil // late frame of a call that has ended
		}
		return protocolError(fmt.Sprintf("call %d was never opened", h.call))
	}
	if c.in.isClosed() {
		return protocolError("message after the end of the request")
	}
	if h.has(flagMessage) {
		if err := l.fill(c, c.id, &c.in, piece); err != nil {
			return err
		}
	}
	if h.has(flagHalfClose) && !piece.more {
		c.in.close(nil)
	}
	return nil
}

func (l *Link) acceptHeaders(h frameHeader, body []byte) error {
	if !l.own(h.call) {
		return protocolError("HEADERS from a caller")
	}
	s := l.calls.get(h.call)
	if s == nil {
		return l.unknownCall(h.call)
	}
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	if s.head != nil {
		return protocolError("HEADERS twice")
	}
	s.head = copyOf(body)
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
	message, fields, err := splitEnd(h, body)
	if err != nil {
		s.abort(l.unavailable(true, err))
		return err
	}
	if h.has(flagMessage) {
		err = l.fill(s, s.id, &s.in, part{data: message})
	}
	s.ended(h.flags, fields)
	return err
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
	c, known := l.served.get(h.call)
	if c == nil {
		if known {
			return nil
		}
		return protocolError(fmt.Sprintf("call %d was never opened", h.call))
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
	if grant == 0 || grant > math.MaxInt32 {
		return protocolError("credit out of range")
	}
	if l.own(h.call) {
		if s := l.calls.get(h.call); s != nil {
			return l.out.add(&s.out, int(grant))
		}
		return l.unknownCall(h.call)
	}
	c, known := l.served.get(h.call)
	if c != nil {
		return l.out.add(&c.out, int(grant))
	}
	if !known {
		return protocolError(fmt.Sprintf("call %d was never opened", h.call))
	}
	return nil
}

func (l *Link) acceptPing(body []byte) error {
	if len(body) != 8 {
		return protocolError("PING of a wrong size")
	}
	l.out.control(framePong, 0, 0, body...)
	return nil
}
