package link

import (
	"encoding/binary"
	"sync"

	"github.com/collectiverpc/collective/conn/link/internal/account"
	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

const (
	// lengthSize is the width of the length that precedes each received message in its buffer.
	lengthSize = 4
	// firstRoom is the most memory that the announced size of a message gets before its bytes have arrived.
	firstRoom = 128 << 10
	// chunkSize is up to which size small messages share a buffer.
	chunkSize = 16 << 10
)

// inbound is the receiving half of a call: whole messages in order, filled by the reader, emptied by Receive.
//
// Messages count against the credit of the sender until Receive claims them. A message that is still arriving is
// claimed part by part while a Receive waits for it, so messages may be larger than the credit, yet a call that nobody
// reads holds no more than the credit.
//
// The reader and Receive meet seldom: small messages lie back to back in shared buffers, and Receive takes all of them
// at once.
type inbound struct {
	mu   sync.Mutex
	wake chan struct{} // made by the first Receive that has to wait
	life receiveLife
	rest account.Remainder // memory of what Receive has and has not told yet, once it was handed over
	inboundState
}

// inboundState is what an inbound forgets when it is used again.
type inboundState struct {
	owner   account.Waiter    // the call that it is a half of
	queue   []*buffer.Buffer  // whole messages, each behind its length
	inline  [1]*buffer.Buffer // first backing of queue: most calls receive one message
	partial *buffer.Buffer    // parts of a message whose end has not arrived
	size    int               // of the message in partial, as announced: not to be trusted with memory
	held    int               // cost of what arrived and was not claimed
	memory  int               // that the half takes, as counted by the account
	promise *account.Promise  // of memory for the message in partial, if that is large
	window  receiveWindow
	waiting bool   // a Receive waits
	err     error  // why it failed
	verdict ending // with which the other end closed the half

	// Receive's own:
	ready  []*buffer.Buffer // the queue of before
	next   int              // where in ready the next message is
	popped int              // cost of messages that were popped and not claimed yet
	freed  int              // memory of buffers that were popped and not counted off yet
}

// ending is an END without its message, as it came.
type ending struct {
	flags  uint8
	fields *buffer.Buffer
}

// memory is what it takes.
func (e ending) memory() int {
	if e.fields == nil {
		return 0
	}
	return cap(e.fields.B)
}

// part is a frame's share of a message.
type part struct {
	data  []byte
	first bool // the first of several, whose size together is size
	more  bool // a later part follows
	last  bool // no message follows this one
	size  int
	end   ending // of the call, which came with it
}

// push adds a part. It returns the credit to grant now, and by how much the memory changed.
func (in *inbound) push(p part, maxMessage int) (grant, held int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.life.state() != receiving {
		return 0, 0, nil
	}
	cost := len(p.data)
	if in.partial == nil {
		cost += frame.MessageCost
	}
	if err := in.check(p, cost, maxMessage); err != nil {
		return 0, 0, err
	}
	before := in.memory
	in.held += cost
	in.window.arrived(max(cost, p.size))
	if in.partial == nil && !p.more {
		in.enqueue(p.data)
	} else {
		grant = in.assemble(p, cost)
	}
	if p.last {
		in.verdict = p.end
		in.memory += p.end.memory()
		in.close(lastCame)
	}
	if !p.more {
		in.signal()
	}
	return grant, in.memory - before, nil
}

// check refuses parts that break the rules.
func (in *inbound) check(p part, cost, maxMessage int) error {
	arrived, size := 0, len(p.data)
	if in.partial != nil {
		arrived, size = len(in.partial.B)-lengthSize, in.size
	} else if p.first {
		size = p.size
	}
	total := arrived + len(p.data)
	switch {
	case len(p.data) > frame.PartSize:
		return frame.Malformed("part of a message exceeds 16 KiB")
	case in.held+in.window.claimed+cost > in.window.size():
		return frame.Malformed("message beyond the credit")
	case size > maxMessage:
		return errTooLarge
	case p.first != (in.partial == nil) && (p.first || p.more):
		return frame.Malformed("part of a message out of order")
	case p.more && (p.last || total >= size), !p.more && total != size:
		return frame.Malformed("message of a size other than announced")
	}
	return nil
}

// enqueue adds a whole message behind those that wait.
func (in *inbound) enqueue(data []byte) {
	buf := in.chunk(lengthSize + len(data))
	buf.B = binary.BigEndian.AppendUint32(buf.B, uint32(len(data)))
	buf.B = append(buf.B, data...)
}

// chunk returns the last buffer of the queue if it has room for n more bytes, else a new one. Buffers get larger while
// Receive lags behind.
func (in *inbound) chunk(n int) *buffer.Buffer {
	if len(in.queue) == 0 {
		return in.add(buffer.New(n))
	}
	last := in.queue[len(in.queue)-1]
	if cap(last.B)-len(last.B) >= n && len(last.B) < chunkSize {
		return last
	}
	return in.add(buffer.New(max(n, min(chunkSize, 4*cap(last.B)))))
}

func (in *inbound) add(buf *buffer.Buffer) *buffer.Buffer {
	in.memory += cap(buf.B)
	if in.queue == nil && in.ready == nil {
		in.queue = in.inline[:0]
	}
	in.queue = append(in.queue, buf)
	return buf
}

// assemble adds a part to the message that is arriving. It returns credit to grant, if a Receive waits for the message.
func (in *inbound) assemble(p part, cost int) (grant int) {
	if in.partial == nil {
		in.partial, in.size = buffer.New(min(lengthSize+p.size, firstRoom)), p.size
		in.partial.B = in.partial.B[:lengthSize]
		in.memory += cap(in.partial.B)
	}
	in.grow(len(p.data))
	buf := in.partial
	buf.B = append(buf.B, p.data...)
	if !p.more {
		binary.BigEndian.PutUint32(buf.B, uint32(len(buf.B)-lengthSize))
		in.partial = nil
		in.memory -= cap(buf.B)
		in.add(buf)
		in.promise.End(&in.window.common.account)
		return 0
	}
	if !in.waiting || !in.claimable() {
		return 0
	}
	return in.claimPartial()
}

// claimPartial claims what has arrived of a message, so that more of it may come than a window. The mutex is held.
func (in *inbound) claimPartial() (grant int) {
	in.partial.Claimed += in.held
	return in.claim(in.held)
}

// claimable reports whether what has come of the message in partial may be claimed: a large one needs memory for all of it.
// The mutex is held.
func (in *inbound) claimable() bool {
	size := lengthSize + in.size
	if size <= firstRoom {
		return true
	}
	if in.promise == nil {
		in.promise = account.NewPromise(in.owner)
	}
	return in.promise.Get(&in.window.common.account, buffer.Room(size), cap(in.partial.B))
}

// resume asks for the promise again. It returns the credit to grant, and whether others may ask.
func (in *inbound) resume() (grant int, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.promise.Resumed()
	if in.life.state() != receiving || in.partial == nil || !in.waiting {
		return 0, true // it will ask when it needs it
	}
	if !in.claimable() {
		return 0, false
	}
	return in.claimPartial(), true
}

// grow makes room for n more bytes of the partial message: for all that was announced, but for no more than twice what has
// really arrived, which the sizes of buffers make up to four times.
func (in *inbound) grow(n int) {
	buf := in.partial
	if len(buf.B)+n <= cap(buf.B) {
		return
	}
	room := 2 * (len(buf.B) + n)
	if !in.promise.Given() {
		room = max(len(buf.B)+n, min(room, firstWindow+lengthSize)) // it will not get more than that for now
	}
	grown := buffer.New(min(lengthSize+in.size, room))
	grown.B, grown.Claimed = append(grown.B, buf.B...), buf.Claimed
	in.partial = grown
	more := cap(grown.B) - cap(buf.B)
	in.memory += more
	in.promise.Use(&in.window.common.account, more)
	buf.Release()
}

// signal wakes a waiting Receive.
func (in *inbound) signal() {
	if !in.waiting {
		return
	}
	in.waiting = false
	select {
	case in.wake <- struct{}{}:
	default: // an earlier signal that its Receive did not wait for
	}
}

// notify wakes a receiver that waits, to look for something other than a message.
func (in *inbound) notify() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.signal()
}

// peek returns the channel to wait on if there is neither a message nor the end.
func (in *inbound) peek() (wake <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.next < len(in.ready) || len(in.queue) > 0 || in.life.state() != receiving {
		return nil
	}
	return in.startWait()
}

// startWait returns the channel that a Receive waits on, from now until it is told something. The mutex is held.
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

// fail ends a half that is still receiving with an error. What was queued is not readable any more.
func (in *inbound) fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.end(callEnded, err)
}

// closeOrderly ends the half after the last message of a sender that has more rights than trust, and returns by how much the
// memory changed. Only a call that failed may end inside a message.
func (in *inbound) closeOrderly(end ending) (held int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.life.state() != receiving {
		return 0, nil
	}
	if in.partial != nil && end.flags&frame.FlagError == 0 {
		return 0, frame.Malformed("end inside a message")
	}
	before := in.memory
	in.verdict = end
	in.memory += end.memory()
	in.end(lastCame, nil)
	return in.memory - before, nil
}

// reset makes the half ready for another call. Nobody else knows it any more.
func (in *inbound) reset() {
	in.inboundState = inboundState{}
	in.rest.Take()
	in.life.reset()
	select {
	case <-in.wake: // a signal that its Receive did not wait for
	default:
	}
}

// end ends the half, with an error unless the last message has come, and tells a Receive that waits. The mutex is held.
func (in *inbound) end(a arrival, err error) {
	if in.close(a) {
		in.err = err
		in.signal()
	}
}

// close ends the half, unless that is refused. The mutex is held.
func (in *inbound) close(a arrival) bool {
	if !in.life.on(a) {
		return false
	}
	in.window.close()
	in.promise.End(&in.window.common.account)
	return true
}

// claim moves n held bytes to the application and returns the credit to grant, if enough has gathered to be worth a
// frame. The mutex is held.
func (in *inbound) claim(n int) int {
	n = min(n, in.held)
	in.held -= n
	in.window.claimed += n
	return in.grant()
}

// grant returns the credit to grant, if it is worth a frame. The mutex is held.
func (in *inbound) grant() int {
	if in.life.state() != receiving {
		return 0
	}
	return in.window.grant(in.held == 0)
}

// senderBlocked notes that the sender has used up its credit, and returns the credit to grant at once.
func (in *inbound) senderBlocked() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.window.blocked = true
	return in.grant()
}

// drop closes the half for a receiver that wants nothing more, drops what it has not popped, and returns the memory
// that this frees. A Receive gets err, unless it had nothing to lose.
func (in *inbound) drop(err error) (held int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.life.state() == receiving || in.held > 0 {
		in.end(unwanted, err)
	}
	return in.discard()
}

// failure returns why the half failed, nil if it has not. It drops what was cut off, and returns the memory that this
// frees.
func (in *inbound) failure() (held int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.discard(), in.err
}

// discard forgets what was not popped. The mutex is held.
func (in *inbound) discard() (held int) {
	held = in.memory + in.rest.Take()
	in.queue, in.partial, in.held, in.memory = nil, nil, 0, 0
	return held
}
