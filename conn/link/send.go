package link

import (
	"context"
	"io"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// inlineSize is up to which size a message is encoded straight into the outgoing buffer, under its mutex.
const inlineSize = 2 << 10

// encoded is a message ready to be sent: either its bytes, or the message and its exact size, to be encoded in place.
type encoded struct {
	data []byte
	buf  *buffer // owner of data, if it is ours
	msg  any
	size int
}

func (e *encoded) appendTo(b []byte, c codec) ([]byte, error) {
	if e.msg == nil {
		return append(b, e.data...), nil
	}
	return c.append(b, e.msg)
}

func (e *encoded) release() {
	if e.buf != nil {
		e.buf.release()
	}
}

// encode prepares msg. Small messages are only measured.
func (l *Link) encode(c codec, msg any) (encoded, error) {
	if raw, ok := msg.(*Raw); ok {
		return l.checkSize(encoded{data: raw.Data, size: len(raw.Data)})
	}
	if c == nil {
		return encoded{}, connect.NewError(connect.CodeInternal, "link: this codec carries raw messages only")
	}
	size, err := c.size(msg)
	if err != nil {
		return encoded{}, connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
	}
	if size >= 0 && size <= inlineSize {
		return l.checkSize(encoded{msg: msg, size: size})
	}
	buf := newBuffer(size)
	buf.b, err = c.append(buf.b, msg)
	if err != nil {
		buf.release()
		return encoded{}, connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
	}
	return l.checkSize(encoded{data: buf.b, buf: buf, size: len(buf.b)})
}

func (l *Link) checkSize(e encoded) (encoded, error) {
	if e.size <= l.maxSend {
		return e, nil
	}
	e.release()
	return encoded{}, connect.Errorf(connect.CodeResourceExhausted,
		"message of %d bytes is larger than the %d that %s accepts", e.size, l.maxSend, l.peer.CollectorID)
}

// sendMessage sends one message of a call that is open, and waits until the writer has all of it.
func (l *Link) sendMessage(ctx context.Context, to *call, flags uint8, c codec, e *encoded) error {
	to.out.parted = true
	if err := l.out.lockRoom(ctx, l.over); err != nil {
		return err
	}
	if to.life.state().over() {
		l.out.mu.Unlock()
		return io.EOF
	}
	if e.size > frame.PartSize || e.size+frame.MessageCost > to.out.credit {
		return l.sendLarge(ctx, to, &largeMessage{typ: frame.TypeMessage, id: to.id, flags: flags | frame.FlagMessage, half: &to.out}, c, e)
	}
	defer l.out.unlock()
	to.out.credit -= e.size + frame.MessageCost
	return l.appendMessage(to.id, flags, c, e)
}

func (l *Link) appendMessage(id uint64, flags uint8, c codec, e *encoded) error {
	o := l.out
	start := len(o.buf)
	b, err := e.appendTo(frame.Begin(o.buf, frame.TypeMessage, flags|frame.FlagMessage, id), c)
	if err != nil {
		return connect.Errorf(connect.CodeInternal, "marshal message: %v", err)
	}
	o.buf = frame.End(b, start)
	return nil
}

// sendLarge sends m, whose bytes e holds, in parts, and waits for the last of them to leave. The outbox is locked on
// entry.
func (l *Link) sendLarge(ctx context.Context, to *call, m *largeMessage, c codec, e *encoded) (err error) {
	if m.data, err = e.bytes(c); err != nil {
		l.out.mu.Unlock()
		return err
	}
	m.owner, e.buf = e.buf, nil // whatever happens, it is not the sender's any more
	if l.out.appendParts(m) {
		l.out.unlock()
		return nil
	}
	m.moved, m.progress = make(chan struct{}), time.Now()
	to.out.large.Store(m)
	switch {
	case to.life.state().over():
		l.out.withdraw(m)
	case m.ready():
		l.out.giveTurn(m)
	default:
		l.out.starve(m)
	}
	l.out.unlock()
	if err := l.awaitMoved(ctx, m); err != nil {
		l.out.mu.Lock()
		l.out.withdraw(m)
		l.out.mu.Unlock()
		return err
	}
	if m.withdrawn {
		return io.EOF
	}
	return nil
}

func (e *encoded) bytes(c codec) ([]byte, error) {
	if e.msg == nil {
		return e.data, nil
	}
	return c.append(nil, e.msg)
}

// awaitMoved waits for m to leave. A message that makes no progress for the stall timeout has met a receiver that does
// not read.
func (l *Link) awaitMoved(ctx context.Context, m *largeMessage) error {
	stalled := time.NewTimer(l.limits.StallTimeout)
	defer stalled.Stop()
	for {
		select {
		case <-m.moved:
			return nil
		case <-l.over:
			return errLinkOver
		case <-ctx.Done():
			return ctx.Err()
		case <-stalled.C:
		}
		l.out.mu.Lock()
		idle := time.Since(m.progress)
		l.out.mu.Unlock()
		if idle >= l.limits.StallTimeout {
			return connect.Errorf(connect.CodeResourceExhausted,
				"the receiver has not read for %v; the call is closed", l.limits.StallTimeout)
		}
		stalled.Reset(l.limits.StallTimeout - idle)
	}
}
