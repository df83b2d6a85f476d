package link

import (
	"encoding/binary"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// message is a received message. Its bytes are valid until release.
type message struct {
	data []byte
	buf  *buffer.Buffer // what data lies in, if nothing else does any more
}

func (m message) release() {
	if m.buf != nil {
		m.buf.Release()
	}
}

// keep returns the bytes for good.
func (m message) keep() []byte {
	if m.buf != nil && len(m.buf.B) == lengthSize+len(m.data) {
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

// pop returns the next message that is ready.
func (in *inbound) pop() (message, bool) {
	at := in.life.state()
	if in.next == len(in.ready) || at == failed {
		return message{}, false
	}
	buf := in.ready[in.next]
	start := buf.Read + lengthSize
	end := start + int(binary.BigEndian.Uint32(buf.B[buf.Read:]))
	if at != handedOver {
		in.popped += end - start + frame.MessageCost - buf.Claimed
	}
	buf.Read, buf.Claimed = end, 0
	m := message{data: buf.B[start:end:end]}
	if end == len(buf.B) {
		m.buf, in.ready[in.next] = buf, nil
		in.next++
		in.freed += cap(buf.B)
	}
	return m, true
}

// refill claims what was popped and makes ready what has arrived since. It returns the credit to grant and by how much the
// memory changed. If there is nothing it returns the channel to wait on; done says that nothing will come.
func (in *inbound) refill() (wake <-chan struct{}, grant, held int, done bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	before := in.memory
	grant = in.claimPoppedLocked()
	switch {
	case in.life.state() == failed:
		in.ready, in.next, done = nil, 0, true
	case len(in.queue) > 0:
		if len(in.queue) == 1 && in.life.on(lastPopped) {
			in.claim(in.held)
			rest := behindFirst(in.queue[0]) + in.verdict.memory()
			in.rest.Keep(rest)
			before, in.memory = before-rest, 0 // Receive pops the last buffer next
		}
		in.ready, in.queue, in.next = in.queue, in.ready[:0], 0
	case in.life.state() != receiving:
		done = true
	default:
		wake = in.startWait()
		if in.partial != nil && in.claimable() {
			grant += in.claimPartial()
		}
	}
	return wake, grant, in.memory - before, done
}

// behindFirst is the memory of a buffer if there is more in it than one message.
func behindFirst(buf *buffer.Buffer) int {
	if size := binary.BigEndian.Uint32(buf.B); lengthSize+int(size) < len(buf.B) {
		return cap(buf.B)
	}
	return 0
}

// claimPoppedLocked claims what was popped, and counts its memory off. The mutex is held.
func (in *inbound) claimPoppedLocked() (grant int) {
	grant = in.claim(in.popped)
	in.memory -= min(in.freed, in.memory)
	in.popped, in.freed = 0, 0
	return grant
}

// claimPopped claims what was popped while more is ready, so that the sender need not wait for a refill.
func (in *inbound) claimPopped() (grant, held int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	before := in.memory
	grant = in.claimPoppedLocked()
	return grant, in.memory - before
}
