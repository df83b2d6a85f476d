package outbox

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

// batchParts is how many bytes of large messages one batch carries behind the small frames: the most that a small
// frame waits for. 64 and 128 KiB cost a fifth more over loopback, whose segments they overflow by their headers.
const batchParts = 96 << 10

// Outbox gathers frames for the writer. All methods are safe for concurrent use but those that say that they want the lock.
//
// Small frames go to buf in the order in which they come. Large messages wait in turns; the writer adds their parts
// behind buf, so a small frame never waits for more than one batch of them.
type Outbox struct {
	mu     sync.Mutex
	batch         // that will be written next
	parts  int    // bytes of large messages in it
	spare  batch  // memory for another
	number uint64 // of the batch; those before it may have left
	turns  []*Message
	moved  time.Time // when a part of a large message went into a batch; zero before the first
	// vectored says that pieces of a batch may lie elsewhere. It does not change.
	vectored bool
	limit    int           // buf may hold this much before senders of messages wait
	margin   int           // and this much more of frames that do not
	room     chan struct{} // closed when buf is taken; nil if nobody waits
	wake     chan struct{}
	awake    bool

	over   <-chan struct{} // closed when the link is over
	sealed bool            // the link is over: nothing leaves any more
	flood  atomic.Bool     // buf is far beyond its limit
}

// floodMargin is how far buf may grow beyond its limit by frames that do not wait for room. They are small, and there
// are at most a few a call, unless the other end provokes them.
const floodMargin = 1 << 20

// New returns an empty outbox that takes limit bytes before senders wait. vectored says that the writer can write several
// pieces in one system call, and over is closed when the link is over.
func New(limit int, vectored bool, over <-chan struct{}) *Outbox {
	return &Outbox{limit: limit, margin: floodMargin, vectored: vectored, over: over, number: 1, wake: make(chan struct{}, 1)}
}

// SetLimit changes how much waits before senders do.
func (o *Outbox) SetLimit(limit int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limit, o.margin = limit, min(limit, floodMargin)
}

// Flooded reports whether answers to the other end pile up.
func (o *Outbox) Flooded() bool { return o.flood.Load() }

// Unlock ends an append and wakes the writer.
func (o *Outbox) Unlock() {
	if len(o.buf) > o.limit+o.margin {
		o.flood.Store(true)
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

// AppendNow appends a frame that does not wait for room.
func (o *Outbox) AppendNow(frame []byte) {
	o.mu.Lock()
	defer o.Unlock()
	o.Append(frame)
}

// Append appends whole frames. It wants the lock.
func (o *Outbox) Append(frames []byte) { o.buf = append(o.buf, frames...) }

// Buffer returns what leaves next, for a frame that is encoded in place and given to SetBuffer. It wants the lock.
func (o *Outbox) Buffer() []byte { return o.buf }

// SetBuffer takes the buffer back with more frames in it. It wants the lock.
func (o *Outbox) SetBuffer(b []byte) { o.buf = b }

// Batch is the number of the batch that frames are appended to. It wants the lock.
func (o *Outbox) Batch() uint64 { return o.number }

// Control appends a frame of a few bytes, which does not wait for room.
func (o *Outbox) Control(typ frame.Type, flags uint8, id uint64, body ...byte) {
	o.mu.Lock()
	defer o.Unlock()
	if !o.sealed {
		o.append(typ, flags, id, body...)
	}
}

// append appends a frame of a few bytes. o.mu is held.
func (o *Outbox) append(typ frame.Type, flags uint8, id uint64, body ...byte) {
	start := len(o.buf)
	o.buf = frame.End(append(frame.Begin(o.buf, typ, flags, id), body...), start)
}

// Grant tells the other end of a call that it may send more.
func (o *Outbox) Grant(id uint64, grant int) {
	var b [binary.MaxVarintLen64]byte
	o.Control(frame.TypeWindow, 0, id, b[:binary.PutUvarint(b[:], uint64(grant))]...)
}

// Lock locks the outbox when there is room, waiting with ctx if need be. [ErrOver] says that there will be none any more.
func (o *Outbox) Lock(ctx context.Context) error {
	for {
		o.mu.Lock()
		switch {
		case o.sealed:
			o.mu.Unlock()
			return ErrOver
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
		case <-o.over:
			return ErrOver
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Seal keeps everything that has not left from leaving, and returns the number of the first batch that will not.
func (o *Outbox) Seal() (unsent uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sealed = true
	return o.number
}

// sinceMoved is how long no part of a large message has left.
func (o *Outbox) sinceMoved() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Since(o.moved)
}

// queued is how many bytes of frames wait.
func (o *Outbox) queued() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.buf)
}

// idleBuffer is how large a buffer an idle link keeps.
const idleBuffer = 16 << 10

// recycle uses the memory of a written batch again.
func (o *Outbox) recycle(written batch) {
	memory := written.reuse()
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(memory.buf) <= 512<<10 {
		o.spare = memory
	}
}

// Shrink drops buffers that an idle link does not need.
func (o *Outbox) Shrink() {
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
