package link

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// batchParts is how many bytes of large messages one batch carries behind the small frames: the most that a small
// frame waits for. 64 and 128 KiB cost a fifth more over loopback, whose segments they overflow by their headers.
const batchParts = 96 << 10

// outbound is the sending half of a call. credit is guarded by outbox.mu, and so are the changes of large.
type outbound struct {
	credit int
	large  atomic.Pointer[largeMessage] // the message that waits for its turn or for credit
	parted bool                         // messages left, or may have, beside the OPEN or the END; the sender's
}

func (h *outbound) reset() { h.credit, h.parted = 0, false }

// largeMessage is a message that leaves in parts. Calls with one take turns, a part each.
type largeMessage struct {
	typ      frame.Type
	id       uint64
	flags    uint8 // of the last part
	prefix   []byte
	data     []byte
	owner    *buffer // of data, if the outbox may keep it until it is written; nil: parts are copied
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
	mu     sync.Mutex
	batch         // that will be written next
	parts  int    // bytes of large messages in it
	spare  batch  // memory for another
	number uint64 // of the batch; those before it may have left
	turns  []*largeMessage
	names  frame.SentNames
	// vectored says that pieces of a batch may lie elsewhere. It does not change.
	vectored bool
	limit    int           // buf may hold this much before senders of messages wait
	room     chan struct{} // closed when buf is taken; nil if nobody waits
	wake     chan struct{}
	awake    bool

	sealed   bool        // the link is over: nothing leaves any more
	overflow atomic.Bool // answers to the other end pile up
}

// batch is what leaves at once: buf, with the bytes of insets between.
type batch struct {
	buf    []byte
	insets []inset
	owned  []*buffer // that the insets lie in, to be released when all is written
}

// inset is a part of a large message that is written from where it lies.
type inset struct {
	at   int // its place in buf
	data []byte
}

// insetSize is from which size on a part is not worth copying, if the stream takes pieces.
const insetSize = 4 << 10

func (b *batch) empty() bool { return len(b.buf) == 0 }

// reuse returns the memory of a batch that is written.
func (b *batch) reuse() batch {
	for _, buf := range b.owned {
		buf.release()
	}
	clear(b.owned)
	clear(b.insets)
	return batch{buf: b.buf[:0], insets: b.insets[:0], owned: b.owned[:0]}
}

// floodMargin is how far buf may grow beyond its limit by frames that do not wait for room. They are small, and there
// are at most a few a call, unless the other end provokes them.
const floodMargin = 1 << 20

func newOutbox(limit int, vectored bool) *outbox {
	return &outbox{limit: limit, vectored: vectored, number: 1, wake: make(chan struct{}, 1)}
}

// unlock ends an append and wakes the writer.
func (o *outbox) unlock() {
	if len(o.buf) > o.limit+floodMargin {
		o.overflow.Store(true)
	}
	asleep := !o.awake && (len(o.buf) > 0 || len(o.turns) > 0)
	o.awake = o.awake || asleep
	o.mu.Unlock()
	if !asleep {
		return
	}
	select {
	case o.wake <- struct{}{}:
	default: // a wake-up is there already; the writer may have ended and leave it there
	}
}

// control appends a frame of a few bytes, which does not wait for room.
func (o *outbox) control(typ frame.Type, flags uint8, id uint64, body ...byte) {
	o.mu.Lock()
	defer o.unlock()
	if !o.sealed {
		o.append(typ, flags, id, body...)
	}
}

// append appends a frame of a few bytes. o.mu is held.
func (o *outbox) append(typ frame.Type, flags uint8, id uint64, body ...byte) {
	start := len(o.buf)
	o.buf = frame.End(append(frame.Begin(o.buf, typ, flags, id), body...), start)
}

func (o *outbox) window(id uint64, grant int) {
	var b [binary.MaxVarintLen64]byte
	o.control(frame.TypeWindow, 0, id, b[:binary.PutUvarint(b[:], uint64(grant))]...)
}

// lockRoom locks the outbox when buf is below the limit, waiting with ctx if need be.
func (o *outbox) lockRoom(ctx context.Context, over <-chan struct{}) error {
	for {
		o.mu.Lock()
		switch {
		case o.sealed:
			o.mu.Unlock()
			return errLinkOver
		case len(o.buf) < o.limit:
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

// seal keeps everything that has not left from leaving, and returns the number of the first batch that will not.
func (o *outbox) seal() (unsent uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sealed = true
	return o.number
}

// add grants credit to a half and gives its waiting message a turn.
func (o *outbox) add(half *outbound, credit int) error {
	o.mu.Lock()
	defer o.unlock()
	if half.credit+credit > math.MaxInt32 {
		return frame.Malformed("credit out of range")
	}
	half.credit += credit
	if m := half.large.Load(); m != nil && !m.queued && m.ready() {
		o.giveTurn(m)
	}
	return nil
}

// ready reports whether the credit is enough for the next part of m.
func (m *largeMessage) ready() bool {
	return m.half == nil || m.half.credit >= m.overhead()+min(1, len(m.data))
}

// overhead is what the next part costs besides its bytes.
func (m *largeMessage) overhead() int {
	if m.started {
		return 0
	}
	return frame.MessageCost
}

// starve tells the other end that m waits for credit; add gives it a turn again.
func (o *outbox) starve(m *largeMessage) {
	m.queued = false
	o.append(frame.TypeWindow, 0, m.id, 0)
}

func (o *outbox) giveTurn(m *largeMessage) {
	m.queued = true
	o.turns = append(o.turns, m)
}

// closeHalf makes a sender stop that waits: the call is over.
func (o *outbox) closeHalf(half *outbound) {
	if half.large.Load() == nil {
		return // whoever sets it from now on sees that the call is over
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
	m.withdrawn = true
	o.finish(m)
}

func (o *outbox) finish(m *largeMessage) {
	m.done, m.queued, m.data, m.owner = true, false, nil, nil
	if m.half != nil {
		m.half.large.Store(nil)
	}
	close(m.moved)
}

// take hands the writer the next batch; an empty one when there is nothing to write, and the writer then waits on wake.
func (o *outbox) take() batch {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sealed {
		o.awake = false
		return batch{}
	}
	o.takeTurns()
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

// idleBuffer is how large a buffer an idle link keeps.
const idleBuffer = 16 << 10

// giveBack returns a written batch for reuse.
func (o *outbox) giveBack(written batch) {
	memory := written.reuse()
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(memory.buf) <= 512<<10 {
		o.spare = memory
	}
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
	if cap(o.spare.buf) > idleBuffer {
		o.spare = batch{}
	}
}

// takeTurns fills the batch with parts, one of each large message after the other.
func (o *outbox) takeTurns() {
	for o.parts < batchParts && len(o.turns) > 0 {
		m := o.turns[0]
		o.turns = o.turns[1:]
		o.appendPart(m)
		switch {
		case len(m.data) == 0:
			o.finish(m)
		case m.ready():
			o.turns = append(o.turns, m)
		default:
			o.starve(m)
		}
	}
}

// appendParts moves as much of m to buf as goes without a wait and without overtaking others, and reports whether that
// was all.
func (o *outbox) appendParts(m *largeMessage) bool {
	for o.parts < batchParts && len(o.turns) == 0 && m.ready() {
		o.appendPart(m)
		if len(m.data) == 0 {
			return true
		}
	}
	return false
}

// appendPart moves the next part of m to buf.
func (o *outbox) appendPart(m *largeMessage) {
	n := min(len(m.data), frame.PartSize)
	if m.half != nil {
		n = min(n, m.half.credit-m.overhead())
		m.half.credit -= n + m.overhead()
	}
	flags := m.flags
	if n < len(m.data) {
		flags = m.flags&frame.FlagMessage | frame.FlagMore
	}
	if !m.started {
		flags |= frame.FlagFirst
	}
	start := len(o.buf)
	o.buf = frame.Begin(o.buf, m.typ, flags, m.id)
	if !m.started {
		o.buf = append(o.buf, m.prefix...)
		o.buf = binary.AppendUvarint(o.buf, uint64(len(m.data)))
	}
	if m.owner == nil || n < insetSize || !o.vectored {
		o.buf = append(o.buf, m.data[:n]...)
		o.buf = frame.End(o.buf, start)
	} else {
		o.insets = append(o.insets, inset{at: len(o.buf), data: m.data[:n]})
		frame.SetLength(o.buf[start:], len(o.buf)-start-frame.HeaderSize+n)
	}
	if m.owner != nil && n == len(m.data) {
		o.owned = append(o.owned, m.owner)
	}
	m.data, m.started, m.progress = m.data[n:], true, time.Now()
	o.parts += n
}
