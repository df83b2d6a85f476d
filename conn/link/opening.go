package link

import (
	"fmt"
	"math"
	"time"

	"connectrpc.com/connect/v2"
)

// opening is an OPEN without its message.
type opening struct {
	id       uint64
	target   *target
	deadline time.Time
	spent    bool // it had passed when the OPEN came
	metadata *buffer
}

// acceptOpen starts a call of the other end.
func (l *Link) acceptOpen(h frameHeader, body []byte, names *receivedNames) error {
	p := payload{b: body}
	o := opening{id: h.call, target: names.read(l, &p)}
	timeout := p.uvarint()
	if h.has(flagMetadata) {
		block := p.b
		p.bytes(maxMetadata)
		o.metadata = copyOf(block[:len(block)-len(p.b)])
	}
	switch {
	case p.err != nil:
		return p.err
	case l.own(h.call) || h.call == 0:
		return protocolError(fmt.Sprintf("call %d is not the other end's to open", h.call))
	case h.has(flagMore) || h.has(flagFirst):
		return protocolError("OPEN with a part of a message")
	}
	o.deadline, o.spent = deadlineOf(timeout), timeout == 1
	return l.admit(o, h, p.b)
}

// deadlineOf returns the time that a timeout field stands for.
func deadlineOf(timeout uint64) time.Time {
	if timeout == 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(min(timeout-1, math.MaxInt64/10_000)) * time.Microsecond)
}

func (l *Link) admit(o opening, h frameHeader, message []byte) error {
	c, admission := l.served.add(l, o)
	switch admission {
	case reused:
		return protocolError(fmt.Sprintf("call %d was opened before", h.call))
	case ignored:
		return nil
	case overCap:
		l.sendEnd(o.id, connect.Errorf(connect.CodeResourceExhausted, "%d calls already run on this link", l.limits.MaxCalls))
		return nil
	case admitted:
	}
	err := l.begin(c, o, h, message)
	l.work.run(c)
	return err
}

// begin gives c what came with the OPEN, or refuses it.
func (l *Link) begin(c *serverCall, o opening, h frameHeader, message []byte) error {
	c.halfClosed = h.has(flagHalfClose)
	if o.spent {
		if l.served.remove(c.id) {
			c.expire(l)
		}
		return nil
	}
	if c.metadata != nil {
		c.extra = len(c.metadata.b)
		if l.held.Add(int64(c.extra)) > int64(l.limits.MaxHeld) {
			c.refuse(l, l.heldTooMuch())
			return nil
		}
	}
	if h.has(flagMessage) {
		return l.fill(c, c.id, &c.in, part{data: message, last: c.halfClosed})
	}
	if c.halfClosed {
		c.in.close(nil)
	}
	return nil
}
