package outbox

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// Queue appends as much of m as goes at once, and reports whether that is all of it. The rest waits: [Outbox.Await] says for
// how long. over is asked, when [Outbox.StopSender] can find m, whether its call is over. It wants the lock.
func (o *Outbox) Queue(m *Message, over func() bool) (all bool) {
	if o.appendParts(m) {
		return true
	}
	m.begin()
	m.Half.large.Store(m)
	switch {
	case over():
		o.withdraw(m)
	case m.ready():
		o.giveTurn(m)
	default:
		o.senderBlocked(m)
	}
	return false
}

// Enqueue gives a message that needs no credit a turn behind the others.
func (o *Outbox) Enqueue(m *Message) {
	m.begin()
	o.mu.Lock()
	defer o.Unlock()
	o.giveTurn(m)
}

// Await waits for a queued message to leave, or withdraws it: when ctx ends, when the link is over ([ErrOver]), or when it
// makes no progress for the stall timeout ([ErrStalled]). [ErrWithdrawn] says that [Outbox.StopSender] did.
func (o *Outbox) Await(ctx context.Context, m *Message, stall time.Duration) error {
	err := o.awaitMoved(ctx, m, stall)
	if err != nil {
		o.mu.Lock()
		o.withdraw(m)
		o.mu.Unlock()
		return err
	}
	if m.waits == withdrawn {
		return ErrWithdrawn
	}
	return nil
}

func (o *Outbox) awaitMoved(ctx context.Context, m *Message, stall time.Duration) error {
	stalled := time.NewTimer(stall)
	defer stalled.Stop()
	for {
		select {
		case <-m.moved:
			return nil
		case <-o.over:
			return ErrOver
		case <-ctx.Done():
			return ctx.Err()
		case <-stalled.C:
		}
		o.mu.Lock()
		idle := time.Since(m.progress)
		o.mu.Unlock()
		if idle >= stall {
			return ErrStalled
		}
		stalled.Reset(stall - idle)
	}
}

// AddCredit lets a half send more and gives its waiting message a turn.
func (o *Outbox) AddCredit(half *Half, credit int) error {
	o.mu.Lock()
	defer o.Unlock()
	if half.credit+credit > math.MaxInt32 {
		return frame.Malformed("credit out of range")
	}
	half.credit += credit
	if m := half.large.Load(); m != nil && m.waits == forCredit && m.ready() {
		o.giveTurn(m)
	}
	return nil
}

// senderBlocked tells the other end that m waits for credit; addCredit gives it a turn again.
func (o *Outbox) senderBlocked(m *Message) {
	m.waits = forCredit
	o.append(frame.TypeWindow, 0, m.Call, 0)
}

func (o *Outbox) giveTurn(m *Message) {
	m.waits = forTurn
	o.turns = append(o.turns, m)
}

// StopSender makes a sender stop that waits: the call is over.
func (o *Outbox) StopSender(half *Half) {
	if half.large.Load() == nil {
		return // whoever sets it from now on sees that the call is over
	}
	o.mu.Lock()
	o.withdraw(half.large.Load())
	o.mu.Unlock()
}

// withdraw takes a message out of its turn. The bytes are the sender's again.
func (o *Outbox) withdraw(m *Message) {
	switch {
	case m == nil || m.waits == gone || m.waits == withdrawn:
		return
	case m.waits == forTurn:
		o.turns = slices.DeleteFunc(o.turns, func(other *Message) bool { return other == m })
	}
	m.end(withdrawn)
}

// nextBatch hands the writer the next batch; an empty one when there is nothing to write, and the writer then waits on wake.
func (o *Outbox) nextBatch() batch {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sealed {
		o.awake = false
		return batch{}
	}
	o.dispatchTurns()
	if o.empty() {
		o.awake = false
		return batch{}
	}
	full := o.batch
	o.batch, o.spare, o.parts = o.spare, batch{}, 0
	o.number++
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return full
}

// dispatchTurns fills the batch with parts, one of each large message after the other.
func (o *Outbox) dispatchTurns() {
	for o.parts < batchParts && len(o.turns) > 0 {
		m := o.turns[0]
		o.turns = o.turns[1:]
		o.appendPart(m)
		switch {
		case len(m.Data) == 0:
			m.end(gone)
		case m.ready():
			o.turns = append(o.turns, m)
		default:
			o.senderBlocked(m)
		}
	}
}

// appendParts moves as much of m to buf as goes without a wait and without overtaking others, and reports whether that
// was all.
func (o *Outbox) appendParts(m *Message) bool {
	for o.parts < batchParts && len(o.turns) == 0 && m.ready() {
		o.appendPart(m)
		if len(m.Data) == 0 {
			return true
		}
	}
	return false
}

// appendPart moves the next part of m to buf.
func (o *Outbox) appendPart(m *Message) {
	n := min(len(m.Data), frame.PartSize)
	if m.Half != nil {
		n = min(n, m.Half.credit-m.overhead())
		m.Half.credit -= n + m.overhead()
	}
	flags := m.Flags
	if n < len(m.Data) {
		flags = m.Flags&frame.FlagMessage | frame.FlagMore
	}
	if !m.started {
		flags |= frame.FlagFirst
	}
	start := len(o.buf)
	o.buf = frame.Begin(o.buf, m.Type, flags, m.Call)
	if !m.started {
		o.buf = append(o.buf, m.Prefix...)
		o.buf = binary.AppendUvarint(o.buf, uint64(len(m.Data)))
	}
	if m.Owner == nil || n < insetSize || !o.vectored {
		o.buf = append(o.buf, m.Data[:n]...)
		o.buf = frame.End(o.buf, start)
	} else {
		o.insets = append(o.insets, inset{at: len(o.buf), data: m.Data[:n]})
		frame.SetLength(o.buf[start:], len(o.buf)-start-frame.HeaderSize+n)
	}
	if m.Owner != nil && n == len(m.Data) {
		o.owned = append(o.owned, m.Owner)
	}
	m.Data, m.started, m.progress = m.Data[n:], true, time.Now()
	o.moved = m.progress
	o.parts += n
}
