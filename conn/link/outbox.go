package link

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// batchParts is how many bytes of large messages one batch carries behind the small frames: the most that a small
// frame waits for.
const batchParts = 64 << 10

// outbound is the sending half of a call. credit is guarded by outbox.mu, and so are the changes of large.
type outbound struct {
	credit int
	large  atomic.Pointer[largeMessage] // the message that waits for its turn or for credit
	closed atomic.Bool                  // the other end listens no more
}

// largeMessage is a message that leaves in parts. Calls with one take turns, a part each.
type largeMessage struct {
	typ      frameType
	id       uint64
	flags    uint8 // of the last part
	prefix   []byte
	data     []byte
	started  bool
	queued   bool
	half     *outbound // nil: needs no credit
	progress time.Time
	moved    chan struct{} // closed when every part is in a batch, or when the call is over
	done     bool
	// withdrawn says that parts of it never left. Readable once moved is closed.
	withdrawn bool
}

// outbox gathers frames for the writer.
//
// Small frames go to buf in the order in which they come. Large messages wait in turns; the writer adds their parts
// behind buf, so a small frame never waits for more than one batch of them.
type outbox struct {
	mu    sync.Mutex
	buf   []byte
	spare []byte
	batch uint64 // number of the batch that buf will be
	turns []*largeMessage
	names sentNames
	limit int           // buf may hold this much before senders of messages wait
	room  chan struct{} // closed when buf is taken; nil if nobody waits
	wake  chan struct{}
	awake bool

	empty    chan struct{} // closed when everything is written; nil if nobody waits
	overflow atomic.Bool   // answers to the other end pile up
}

func newOutbox(limit int) *outbox {
	return &outbox{names: sentNames{}, limit: limit, batch: 1, wake: make(chan struct{}, 1)}
}

// unlock ends an append and wakes the writer.
func (o *outbox) unlock() {
	asleep := !o.awake && (len(o.buf) > 0 || len(o.turns) > 0)
	o.awake = o.awake || asleep
	o.mu.Unlock()
	if asleep {
		o.wake <- struct{}{} // never blocks: awake is false only when the writer has emptied the channel
	}
}

// control appends a frame of a few bytes. Control frames are not subject to the limit: there are at most a few a call.
func (o *outbox) control(typ frameType, flags uint8, id uint64, payload ...byte) {
	o.mu.Lock()
	start := len(o.buf)
	o.buf = beginFrame(o.buf, typ, flags, id)
	o.buf = append(o.buf, payload...)
	o.buf = endFrame(o.buf, start)
	if len(o.buf) > 2*o.limit {
		o.overflow.Store(true)
	}
	o.unlock()
}

func (o *outbox) window(id uint64, grant int) {
	var b [binary.MaxVarintLen64]byte
	o.control(frameWindow, 0, id, b[:binary.PutUvarint(b[:], uint64(grant))]...)
}

// lockRoom locks the outbox when buf is below the limit, waiting with ctx if need be.
func (o *outbox) lockRoom(ctx context.Context, over <-chan struct{}) error {
	for {
		o.mu.Lock()
		if len(o.buf) < o.limit {
			return nil
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-over:
			return errLinkOver
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// add grants credit to a half and gives its waiting message a turn.
func (o *outbox) add(half *outbound, credit int) error {
	o.mu.Lock()
	if half.credit+credit > math.MaxInt32 {
		o.mu.Unlock()
		return protocolError("credit out of range")
	}
	half.credit += credit
	if m := half.large.Load(); m != nil && !m.queued && half.credit > 0 {
		o.giveTurn(m)
	}
	o.unlock()
	return nil
}

func (o *outbox) giveTurn(m *largeMessage) {
	m.queued = true
	o.turns = append(o.turns, m)
}

// closeHalf makes senders of the half stop: the other end has ended the call.
func (o *outbox) closeHalf(half *outbound) {
	half.closed.Store(true)
	if half.large.Load() == nil {
		return // whoever sets it from now on sees closed
	}
	o.mu.Lock()
	o.withdraw(half.large.Load())
	o.mu.Unlock()
}

// withdraw takes a message out of its turn. The bytes are the sender's again.
func (o *outbox) withdraw(m *largeMessage) {
	if m == nil || m.done {
		return
	}
	if m.queued {
		o.turns = slices.DeleteFunc(o.turns, func(other *largeMessage) bool { return other == m })
	}
	m.withdrawn = len(m.data) > 0
	o.finish(m)
}

func (o *outbox) finish(m *largeMessage) {
	m.done, m.queued, m.data = true, false, nil
	if m.half != nil {
		m.half.large.Store(nil)
	}
	close(m.moved)
}

// take hands the writer the next batch and its number; nil when there is nothing to write, and the writer then waits
// on wake.
func (o *outbox) take() ([]byte, uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.takeTurns()
	if len(o.buf) == 0 {
		o.awake = false
		if o.empty != nil {
			close(o.empty)
			o.empty = nil
		}
		return nil, 0
	}
	full := o.buf
	o.buf, o.spare = o.spare[:0], nil
	o.batch++
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
	return full, o.batch - 1
}

// idleBuffer is how large a buffer an idle link keeps.
const idleBuffer = 16 << 10

// giveBack returns a written batch for reuse.
func (o *outbox) giveBack(batch []byte) {
	if cap(batch) > 4*batchParts {
		return
	}
	o.mu.Lock()
	o.spare = batch
	o.mu.Unlock()
}

// shrink drops buffers that an idle link does not need.
func (o *outbox) shrink() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.buf) > 0 || o.awake {
		return
	}
	if cap(o.buf) > idleBuffer {
		o.buf = nil
	}
	if cap(o.spare) > idleBuffer {
		o.spare = nil
	}
}

func (o *outbox) takeTurns() {
	budget := batchParts
	for budget > 0 && len(o.turns) > 0 {
		m := o.turns[0]
		o.turns = o.turns[1:]
		budget -= o.appendPart(m)
		switch {
		case len(m.data) == 0:
			o.finish(m)
		case m.half == nil || m.half.credit > 0:
			o.turns = append(o.turns, m)
		default:
			m.queued = false // add gives it a turn again
		}
	}
}

// appendPart moves the next part of m to buf and returns its size.
func (o *outbox) appendPart(m *largeMessage) int {
	n := min(len(m.data), partSize)
	if m.half != nil {
		n = min(n, m.half.credit)
		m.half.credit -= n
	}
	flags := m.flags
	if n < len(m.data) {
		flags = m.flags&flagMessage | flagMore
	}
	if !m.started {
		flags |= flagFirst
	}
	start := len(o.buf)
	o.buf = beginFrame(o.buf, m.typ, flags, m.id)
	if !m.started {
		o.buf = append(o.buf, m.prefix...)
		o.buf = binary.AppendUvarint(o.buf, uint64(len(m.data)))
	}
	o.buf = append(o.buf, m.data[:n]...)
	o.buf = endFrame(o.buf, start)
	m.data, m.started, m.progress = m.data[n:], true, time.Now()
	return n
}

// whenEmpty returns a channel that is closed when everything that is queued now has been written.
func (o *outbox) whenEmpty() <-chan struct{} {
	o.mu.Lock()
	defer o.unlock()
	if !o.awake && len(o.buf) == 0 {
		return closedChan
	}
	if o.empty == nil {
		o.empty = make(chan struct{})
	}
	return o.empty
}
