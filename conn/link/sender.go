package link

import (
	"context"
	"io"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

// sender sends messages within what the other end takes, and within what may wait for it.
type sender struct {
	out    *outbox.Outbox
	budget *outbox.Budget // of messages larger than a part
	peer   string         // collector id of the other end
	max    int            // bytes of a message
	stall  time.Duration  // how long a message may make no progress
}

// encode prepares a message that the other end accepts. Small ones are only measured. Large ones get memory, for which they
// may have to wait: what waits for a receiver that does not read is bounded. Raw ones have theirs, which counts as well.
func (s *sender) encode(ctx context.Context, c codec, msg any) (encoded, error) {
	e, ready, err := measure(c, msg)
	if err == nil {
		err = s.check(&e)
	}
	if err != nil || ready && e.size <= frame.PartSize {
		return e, err
	}
	if err := s.reserve(ctx, &e); err != nil {
		return encoded{}, err
	}
	if ready {
		return e, nil
	}
	if err = e.marshal(c); err == nil {
		err = s.check(&e)
	}
	if err != nil {
		e.release()
		return encoded{}, err
	}
	return e, nil
}

// largeRoom is the memory of a message that is just no part of another.
var largeRoom = buffer.Room(frame.PartSize)

func (s *sender) check(e *encoded) error {
	if e.size <= s.max {
		return nil
	}
	return connect.Errorf(connect.CodeResourceExhausted,
		"message of %d bytes is larger than the %d that %s accepts", e.size, s.max, s.peer)
}

// reserve takes memory for a message that is larger than a part.
func (s *sender) reserve(ctx context.Context, e *encoded) error {
	n := e.memory()
	if n <= largeRoom {
		return nil
	}
	taken, err := s.budget.Acquire(ctx, n, s.stall)
	switch err {
	case nil:
		e.budget, e.taken = s.budget, taken
		return nil
	case outbox.ErrStalled:
		return connect.Errorf(connect.CodeResourceExhausted,
			"the large messages that already wait for %s have made no progress for %v, and more must not wait; the call is closed", s.peer, s.stall)
	}
	return err
}

// send sends one message of a call that is open, and waits until the writer has all of it. io.EOF says that the call is over.
func (s *sender) send(ctx context.Context, to *call, flags uint8, c codec, e *encoded) error {
	to.parted = true
	if err := s.out.Lock(ctx); err != nil {
		return err
	}
	switch {
	case to.life.state().over():
		s.out.Unlock()
		return io.EOF
	case e.size > frame.PartSize || !to.out.Spend(e.size):
		return s.sendLarge(ctx, to, flags, c, e)
	}
	defer s.out.Unlock()
	return s.appendMessage(to.id, flags, c, e)
}

func (s *sender) appendMessage(id uint64, flags uint8, c codec, e *encoded) error {
	buf := s.out.Buffer()
	b, err := e.appendTo(frame.Begin(buf, frame.TypeMessage, flags|frame.FlagMessage, id), c)
	if err != nil {
		return connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
	}
	s.out.SetBuffer(frame.End(b, len(buf)))
	return nil
}

// sendLarge sends what e holds in parts, and waits for the last of them to leave. The outbox is locked on entry.
func (s *sender) sendLarge(ctx context.Context, to *call, flags uint8, c codec, e *encoded) error {
	data, err := e.bytes(c)
	if err != nil {
		s.out.Unlock()
		return err
	}
	m := &outbox.Message{
		Type: frame.TypeMessage, Call: to.id, Flags: flags | frame.FlagMessage, Data: data, Owner: e.buf, Half: &to.out,
	}
	e.buf = nil // whatever happens, it is not the sender's any more
	all := s.out.Queue(m, func() bool { return to.life.state().over() })
	s.out.Unlock()
	if all {
		return nil
	}
	return s.await(ctx, m)
}

// await waits until all of m has left.
func (s *sender) await(ctx context.Context, m *outbox.Message) error {
	switch err := s.out.Await(ctx, m, s.stall); err {
	case outbox.ErrWithdrawn:
		return io.EOF
	case outbox.ErrStalled:
		return connect.Errorf(connect.CodeResourceExhausted, "the receiver has not read for %v; the call is closed", s.stall)
	default:
		return err
	}
}
