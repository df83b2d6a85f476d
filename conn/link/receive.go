package link

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// message is a received message. Its bytes are valid until release.
type message struct {
	data []byte
	buf  *buffer // what data lies in, if nothing else does any more
}

func (m message) release() {
	if m.buf != nil {
		m.buf.release()
	}
}

// keep returns the bytes for good.
func (m message) keep() []byte {
	if m.buf != nil && len(m.buf.b) == lengthSize+len(m.data) {
		return m.data // the only one in its buffer, which is given away
	}
	defer m.release()
	return append([]byte{}, m.data...)
}

// decode moves the message into msg and releases it.
func (m message) decode(c codec, msg any) error {
	if raw, ok := msg.(*Raw); ok {
		raw.Data = m.keep()
		return nil
	}
	defer m.release()
	if c == nil {
		return errRawOnly
	}
	return c.decode(m.data, msg)
}

// take returns the next message that is ready.
func (in *inbound) take() (message, bool) {
	at := in.life.state()
	if in.next == len(in.ready) || at == failed {
		return message{}, false
	}
	buf := in.ready[in.next]
	start := buf.read + lengthSize
	end := start + int(binary.BigEndian.Uint32(buf.b[buf.read:]))
	if at != handedOver {
		in.taken += end - start + frame.MessageCost - buf.claimed
	}
	buf.read, buf.claimed = end, 0
	m := message{data: buf.b[start:end:end]}
	if end == len(buf.b) {
		m.buf, in.ready[in.next] = buf, nil
		in.next++
	}
	return m, true
}

// refill claims what was taken and makes ready what has arrived since. If there is nothing it returns the channel to
// wait on; done says that nothing will come.
func (in *inbound) refill() (wake <-chan struct{}, grant, held int, done bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	before := in.held
	grant = in.claim(in.taken)
	in.taken = 0
	switch {
	case in.life.state() == failed:
		done = true
	case len(in.queue) > 0:
		if len(in.queue) == 1 && in.life.on(lastTaken) {
			in.claim(in.held)
		}
		in.ready, in.queue, in.next = in.queue, in.ready[:0], 0
	case in.life.state() != receiving:
		done = true
	default:
		wake = in.startWait()
		if in.partial != nil {
			in.partial.claimed += in.held
			grant += in.claim(in.held)
		}
	}
	return wake, grant, in.held - before, done
}

func (in *inbound) startWait() <-chan struct{} {
	if in.wake == nil {
		in.wake = make(chan struct{}, 1)
	}
	in.waiting = true
	return in.wake
}

func (in *inbound) stopWait() {
	in.mu.Lock()
	in.waiting = false
	in.mu.Unlock()
}

// claimTaken claims what was taken while more is ready, so that the sender need not wait for a refill.
func (in *inbound) claimTaken() (grant, held int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	before := in.held
	grant = in.claim(in.taken)
	in.taken = 0
	return grant, in.held - before
}

// receive waits for the next message of in. It returns io.EOF at the end of the half; the caller then asks why.
func (l *Link) receive(ctx context.Context, c *call) (message, error) {
	in, id := &c.in, c.id
	for {
		if m, ok := in.take(); ok {
			if in.taken >= grantStep {
				grant, held := in.claimTaken()
				l.settle(id, grant, held)
			}
			return m, nil
		}
		if in.life.state() == handedOver {
			return message{}, io.EOF
		}
		wake, grant, held, done := in.refill()
		l.settle(id, grant, held)
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

// settle grants credit and keeps the account of the bytes that the link holds.
func (l *Link) settle(id uint64, grant, held int) {
	if held != 0 {
		l.held.Add(int64(held))
	}
	if grant > 0 {
		l.out.window(id, grant)
	}
}
