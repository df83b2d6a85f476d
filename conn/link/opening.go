package link

import (
	"fmt"
	"math"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// opening is an OPEN without its message.
type opening struct {
	id       uint64
	target   *target
	deadline time.Time
	spent    bool // it had passed when the OPEN came
	whole    bool // no more of the request follows
	metadata *buffer
}

// acceptOpen starts a call of the other end.
func (l *Link) acceptOpen(h frame.Header, body []byte, names *frame.ReceivedNames[target]) error {
	p := frame.Payload{B: body}
	o := opening{id: h.Call, target: names.Read(&p)}
	timeout := p.Uvarint()
	if h.Has(frame.FlagMetadata) {
		block := p.B
		p.Bytes(frame.MaxMetadata)
		o.metadata = copyOf(block[:len(block)-len(p.B)])
	}
	switch {
	case p.Err != nil:
		return p.Err
	case l.own(h.Call) || h.Call == 0:
		return frame.Malformed(fmt.Sprintf("call %d is not the other end's to open", h.Call))
	case h.Has(frame.FlagMore) || h.Has(frame.FlagFirst):
		return frame.Malformed("OPEN with a part of a message")
	}
	o.deadline, o.spent = deadlineOf(timeout), timeout == 1
	o.whole = h.Has(frame.FlagHalfClose)
	return l.admit(o, h, p.B)
}

// deadlineOf returns the time that a timeout field stands for.
func deadlineOf(timeout uint64) time.Time {
	if timeout == 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(min(timeout-1, math.MaxInt64/10_000)) * time.Microsecond)
}

func (l *Link) admit(o opening, h frame.Header, message []byte) error {
	c, admission := l.served.add(l, o)
	switch admission {
	case reused:
		return frame.Malformed(fmt.Sprintf("call %d was opened before", h.Call))
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
func (l *Link) begin(c *serverCall, o opening, h frame.Header, message []byte) error {
	if o.spent {
		if _, moved := c.life.on(timedOut); moved {
			l.served.remove(c.id)
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
	if h.Has(frame.FlagMessage) {
		return l.fill(c, c.id, &c.in, part{data: message, last: o.whole})
	}
	if o.whole {
		return c.in.closeOrderly(ending{})
	}
	return nil
}
