package link

import (
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/account"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
)

const (
	// firstWindow is the credit that a call begins with in each direction, and maxWindow the most that it gets.
	firstWindow = 256 << 10
	maxWindow   = 4 << 20
	// grantStep is how much must have been received before credit for it is worth a frame.
	grantStep = 64 << 10
	// wakeups is how many messages a window should hold: with fewer, sender and receiver wait for each other to be
	// woken. More bytes than that only lie about in memory that the processor's caches have forgotten.
	wakeups = 64
	// longWait is for how long a way to the other end and back is long: to be filled, it needs more bytes under way.
	longWait = 2 * time.Millisecond
)

// creditPool is what a link lends to calls beyond their first window.
type creditPool struct{ left atomic.Int64 }

func (p *creditPool) acquire(n int) bool {
	if p.left.Add(-int64(n)) >= 0 {
		return true
	}
	p.left.Add(int64(n))
	return false
}

func (p *creditPool) release(n int) { p.left.Add(int64(n)) }

// common is what the receiving halves of a link have in common.
type common struct {
	out     *outbox.Outbox
	account account.Account
	pool    creditPool
}

// receiveWindow is what the sender of a receiving half may send, and what speaks for more. Only a call gets more whose
// sender is blocked on credit although everything was received: a receiver that lags behind, or reads nothing at all, never
// has more than the first window. The lock of the half guards it.
type receiveWindow struct {
	common  *common
	extra   int       // lent beyond the first window
	claimed int       // cost of what was claimed since credit was last granted
	blocked bool      // the sender waits for credit, or did
	waits   int32     // long waits in a row
	largest int       // message, in bytes
	dry     time.Time // since when the receiver has waited for such a sender
}

// size is how much may arrive unclaimed.
func (w *receiveWindow) size() int { return firstWindow + w.extra }

// grant returns the credit to grant, if it is worth a frame. received says that the receiver has everything.
func (w *receiveWindow) grant(received bool) int {
	if w.blocked && received {
		w.growWindow()
	}
	if w.claimed < grantStep {
		return 0
	}
	grant := w.claimed
	w.claimed = 0
	return grant
}

// growWindow is called when both ends wait for each other. It doubles the window if that is why they do.
func (w *receiveWindow) growWindow() {
	w.blocked = false
	w.dry = time.Now()
	more := w.size()
	if more >= wakeups*w.largest && w.waits < 2 || 2*more > maxWindow || !w.common.pool.acquire(more) {
		return
	}
	w.extra += more
	w.claimed += more
}

// arrived notes the end of such a wait. One long wait may be a busy processor, two are the way.
func (w *receiveWindow) arrived(size int) {
	w.largest = max(w.largest, size)
	if w.dry.IsZero() {
		return
	}
	if time.Since(w.dry) < longWait {
		w.waits = 0
	} else {
		w.waits++
	}
	w.dry = time.Time{}
}

// close gives what was lent back, for others.
func (w *receiveWindow) close() {
	if w.extra > 0 {
		w.common.pool.release(w.extra)
		w.extra = 0
	}
}
