package link

import (
	"errors"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

// core is what every call of a link needs of it, on either end.
type core struct {
	peer      Hello
	initiator bool
	window    int // credit of a new call, as the other end said
	out       *outbox.Outbox
	names     frame.SentNames // new ones are numbered under the lock of out
	sender    sender
	receiver  receiver
	end       shutdown
	// stranger says that the other end has no agreement with this one, see [Config.Unagreed].
	stranger atomic.Bool
}

// unsentShare is how much memory large messages may take that wait to be sent, in shares of what the link may hold.
const unsentShare = 1

func newCore(peer Hello, said frame.Hello, limits Limits, initiator, vectored bool) *core {
	over := make(chan struct{})
	c := &core{
		peer:      peer,
		initiator: initiator,
		window:    said.Window,
		out:       outbox.New(limits.MaxQueued, vectored, over),
	}
	c.end.over = over
	c.sender = sender{
		out: c.out, budget: outbox.NewBudget(c.out, unsentShare*limits.MaxHeld),
		peer: peer.CollectorID, max: min(said.MaxMessage, limits.MaxMessage), stall: limits.StallTimeout,
	}
	c.receiver.init(c.out, limits)
	return c
}

// bound sets how much the link holds and lets wait.
func (c *core) bound(limits Limits) {
	c.receiver.account.SetLimit(limits.MaxHeld)
	c.out.SetLimit(limits.MaxQueued)
}

// own reports whether a call id is one that this end gives.
func (c *core) own(id uint64) bool { return (id%2 == 1) == c.initiator }

// unavailable is what a call gets that the link failed.
func (c *core) unavailable(sent bool, reason error) error {
	return unavailable(c.peer.CollectorID, sent, reason)
}

// notSent is what a call gets whose OPEN could not be sent for err.
func (c *core) notSent(err error) error {
	if errors.Is(err, outbox.ErrOver) {
		return c.unavailable(false, c.end.err())
	}
	return callerGaveUp(err)
}

// sendEnd ends a call of the other end with nothing but an error.
func (c *core) sendEnd(id uint64, err *connect.Error) {
	f := buffer.New(endRoom + len(err.Message()))
	defer func() { f.Release() }()
	f.B = frame.End(frame.AppendError(frame.Begin(f.B, frame.TypeEnd, frame.FlagError, id), err), 0)
	c.out.AppendNow(f.B)
}

// endRoom is what an END needs besides its message, as a guess.
const endRoom = 128
