package link

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

// receiver brings messages from the reader to those who receive them, within what a link may hold.
type receiver struct {
	common
	maxMessage int // bytes of a message
}

// extraShare is which part of what a link may hold can be lent to calls beyond their first window.
const extraShare = 4

func (r *receiver) init(out *outbox.Outbox, limits Limits) {
	r.out, r.maxMessage = out, limits.MaxMessage
	r.account.SetLimit(limits.MaxHeld)
	r.pool.left.Store(int64(limits.MaxHeld / extraShare))
}

// begin gives a new call what its receiving half needs of the link.
func (r *receiver) begin(c *call) {
	c.in.window.common, c.in.owner = &r.common, c
}

// receive waits for the next message of c. It returns io.EOF at the end of the half; the caller then asks why.
func (r *receiver) receive(ctx context.Context, c *call) (message, error) {
	in := &c.in
	for {
		if m, ok := in.pop(); ok {
			if in.popped >= grantStep {
				grant, held := in.claimPopped()
				r.grantCredit(c.id, grant, held)
			}
			return m, nil
		}
		if in.life.state() == handedOver {
			r.release(in.rest.Take())
			return message{}, io.EOF
		}
		wake, grant, held, done := in.refill()
		r.grantCredit(c.id, grant, held)
		if done {
			return message{}, io.EOF
		}
		if wake == nil {
			continue
		}
		select {
		case <-wake:
		case <-ctx.Done():
			in.stopWait()
			return message{}, ctx.Err()
		}
	}
}

// fill gives a part to the receiving half of c. refusal is for a call that exceeds a limit; an error is a violation of the
// protocol. Once the last part is there, c may be used for another call.
func (r *receiver) fill(c *call, p part) (refusal *connect.Error, err error) {
	if !r.account.Room(roomFor(p)) {
		return r.holdsTooMuch(), nil
	}
	id := c.id
	grant, held, err := c.in.push(p, r.maxMessage)
	if errors.Is(err, errTooLarge) {
		return connect.Errorf(connect.CodeResourceExhausted, "message is larger than the limit of %d bytes", r.maxMessage), nil
	}
	r.grantCredit(id, grant, held)
	return nil, err
}

// roomFor is about what a part takes, with the buffer for the rest of its message.
func roomFor(p part) int {
	if !p.first {
		return len(p.data)
	}
	return max(len(p.data), buffer.Room(min(lengthSize+p.size, firstRoom)))
}

func (r *receiver) holdsTooMuch() *connect.Error {
	return connect.Errorf(connect.CodeResourceExhausted,
		"this link holds almost %d bytes for the other end already; receive faster or send less at once", r.account.Limit())
}

// close ends the receiving half of c with what came of its END, if it has one.
func (r *receiver) close(c *call, end ending) error {
	held, err := c.in.closeOrderly(end)
	r.release(-held)
	return err
}

// release counts memory off. No lock of a call is held.
func (r *receiver) release(n int) {
	if n != 0 {
		r.account.Give(n)
	}
	r.account.Wake()
}

// grantCredit grants credit for a call and keeps the account of the bytes that the link holds.
func (r *receiver) grantCredit(id uint64, grant, held int) {
	r.release(-held)
	if grant > 0 {
		r.out.Grant(id, grant)
	}
}

// credit is what a WINDOW says of a call: how much more may be sent, or that the other end would send more.
func (r *receiver) credit(c *call, grant int) error {
	if grant > 0 {
		return r.out.AddCredit(&c.out, grant)
	}
	r.grantCredit(c.id, c.in.senderBlocked(), 0)
	return nil
}
