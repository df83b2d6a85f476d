package link

import (
	"context"
	"sync"
)

// inbound is the receiving half of a call: whole messages in order, filled by the reader, emptied by Receive.
//
// Bytes count against the credit of the sender until Receive claims them. A message that is still arriving is claimed
// part by part while a Receive waits for it, so messages may be larger than the credit, yet a call that nobody reads
// holds no more than the credit.
type inbound struct {
	mu      sync.Mutex
	wake    chan struct{} // made by the first Receive that has to wait
	queue   []*buffer
	inline  [1]*buffer // first backing of queue: most calls receive one message
	partial *buffer    // parts of a message whose end has not arrived
	size    int        // announced size of partial; not to be trusted with memory
	waiting bool       // a Receive waits
	closed  bool       // nothing more will arrive
	err     error      // why nothing more will arrive, when that is not the orderly end
	claimed int        // bytes claimed since credit was last granted
	held    int        // bytes that count against the sender's credit
}

// part is a frame's share of a message.
type part struct {
	data []byte
	more bool // a later part follows
	size int  // of the whole message, when this is the first of several parts
}

// push adds a part. It returns the credit to grant now, and by how much the held bytes changed.
func (in *inbound) push(p part, maxMessage int) (grant, held int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return 0, 0, nil
	}
	if in.held+in.claimed+len(p.data) > defaultWindow {
		return 0, 0, protocolError("message beyond the credit")
	}
	before := in.held
	buf := in.partial
	if buf == nil {
		buf, in.size = newBuffer(), p.size
	}
	if max(in.size, len(buf.b)+len(p.data)) > maxMessage {
		in.partial = buf
		return 0, 0, errTooLarge
	}
	buf.b = append(in.grow(buf.b, len(p.data)), p.data...)
	in.held += len(p.data)
	in.partial = buf
	if !p.more {
		in.partial = nil
		in.enqueue(buf)
	}
	if in.waiting {
		grant = in.claim(len(p.data))
	}
	in.signal(!p.more)
	return grant, in.held - before, nil
}

func (in *inbound) enqueue(buf *buffer) {
	if in.queue == nil {
		in.queue = in.inline[:0]
	}
	in.queue = append(in.queue, buf)
}

// grow makes room for n more bytes: for all of the announced message, but never for more than four times of what has
// really arrived.
func (in *inbound) grow(b []byte, n int) []byte {
	if len(b)+n <= cap(b) || in.size <= len(b)+n {
		return b
	}
	grown := make([]byte, len(b), min(in.size, 4*(len(b)+n)))
	copy(grown, b)
	return grown
}

// claim moves n held bytes to the application and returns the credit to grant, if enough has gathered to be worth a
// frame.
func (in *inbound) claim(n int) int {
	n = min(n, in.held)
	in.held -= n
	in.claimed += n
	if in.claimed < defaultWindow/4 || in.closed {
		return 0
	}
	grant := in.claimed
	in.claimed = 0
	return grant
}

// signal wakes a waiting Receive.
func (in *inbound) signal(useful bool) {
	if !useful || !in.waiting {
		return
	}
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// close ends the half: nil is the orderly end. What was queued stays readable unless err is set.
func (in *inbound) close(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.closed, in.err = true, err
	in.signal(true)
}

// pop takes the next message. done says that there is none and never will be.
func (in *inbound) pop() (buf *buffer, grant, held int, done bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err != nil || len(in.queue) == 0 {
		return nil, 0, 0, in.closed
	}
	buf = in.queue[0]
	in.queue[0] = nil
	in.queue = in.queue[1:]
	if len(in.queue) == 0 {
		in.queue = in.inline[:0]
	}
	before := in.held
	grant = in.claim(min(len(buf.b), in.held-in.partialSize()))
	return buf, grant, in.held - before, false
}

func (in *inbound) partialSize() int {
	if in.partial == nil {
		return 0
	}
	return min(len(in.partial.b), in.held)
}

// startWait declares that a Receive waits, claims what a partial message holds, and returns the channel to wait on.
// It returns nil if there is something to pop after all.
func (in *inbound) startWait() (wake <-chan struct{}, grant, held int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) > 0 || in.closed {
		return nil, 0, 0
	}
	if in.wake == nil {
		in.wake = make(chan struct{}, 1)
	}
	in.waiting = true
	before := in.held
	if in.partial != nil {
		grant = in.claim(in.held)
	}
	return in.wake, grant, in.held - before
}

func (in *inbound) stopWait() {
	in.mu.Lock()
	in.waiting = false
	in.mu.Unlock()
}

func (in *inbound) isClosed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.closed
}

// discard drops everything that was not received and returns how many held bytes that were.
func (in *inbound) discard() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	held := in.held
	in.queue, in.partial, in.held, in.closed = nil, nil, 0, true
	return held
}

// receive waits for the next message of in. It returns nil, nil at the end of the half; the caller then asks why.
func (l *Link) receive(ctx context.Context, in *inbound, id uint64) (*buffer, error) {
	for {
		buf, grant, held, done := in.pop()
		l.settle(id, grant, held)
		if buf != nil || done {
			return buf, nil
		}
		wake, grant, held := in.startWait()
		l.settle(id, grant, held)
		if wake == nil {
			continue
		}
		if err := waitWake(ctx, wake, in); err != nil {
			return nil, err
		}
	}
}

func waitWake(ctx context.Context, wake <-chan struct{}, in *inbound) error {
	defer in.stopWait()
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
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
