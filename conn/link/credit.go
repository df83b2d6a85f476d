package link

import (
	"sync/atomic"
	"time"
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
	// extraShare is which part of what a link may hold can be lent to calls beyond their first window.
	extraShare = 4
)

// creditPool is what a link lends to calls beyond their first window.
type creditPool struct{ left atomic.Int64 }

func (p *creditPool) take(n int) bool {
	if p.left.Add(-int64(n)) >= 0 {
		return true
	}
	p.left.Add(int64(n))
	return false
}

func (p *creditPool) giveBack(n int) { p.left.Add(int64(n)) }

// lent is what a receiving half has beyond its first window, and what speaks for more. Only a call gets more whose
// sender waits for credit although everything was received: a receiver that lags behind, or reads nothing at all, never
// has more than the first window.
type lent struct {
	pool    *creditPool
	extra   int
	starved bool      // the sender waits for credit, or did
	largest int       // message, in bytes
	dry     time.Time // since when the receiver has waited for such a sender
	waits   int       // long ones in a row
}

// window is how much may arrive unclaimed. The mutex is held.
func (in *inbound) window() int { return firstWindow + in.extra }

// claim moves n held bytes to the application and returns the credit to grant, if enough has gathered to be worth a
// frame. The mutex is held.
func (in *inbound) claim(n int) int {
	n = min(n, in.held)
	in.held -= n
	in.claimed += n
	return in.grant()
}

// starve notes that the sender has used up its credit, and returns the credit to grant at once.
func (in *inbound) starve() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.starved = true
	return in.grant()
}

// grant returns the credit to grant, if it is worth a frame. The mutex is held.
func (in *inbound) grant() int {
	if in.life.state() != receiving {
		return 0
	}
	if in.starved && in.held == 0 {
		in.runDry()
	}
	if in.claimed < grantStep {
		return 0
	}
	grant := in.claimed
	in.claimed = 0
	return grant
}

// runDry is called when both ends wait for each other.
func (in *inbound) runDry() {
	in.starved = false
	if in.window() < wakeups*in.largest || in.waits > 1 {
		in.widen()
	}
	in.dry = time.Now()
}

// arrived notes the end of such a wait. One long wait may be a busy processor, two are the way.
func (in *inbound) arrived(size int) {
	in.largest = max(in.largest, size)
	if in.dry.IsZero() {
		return
	}
	if time.Since(in.dry) < longWait {
		in.waits = 0
	} else {
		in.waits++
	}
	in.dry = time.Time{}
}

// widen doubles the window.
func (in *inbound) widen() {
	more := in.window()
	if 2*more > maxWindow || !in.pool.take(more) {
		return
	}
	in.extra += more
	in.claimed += more
}

// shut ends the half, unless that is refused. What was lent to it can go to others. The mutex is held.
func (in *inbound) shut(a arrival) bool {
	if !in.life.on(a) {
		return false
	}
	if in.extra > 0 {
		in.pool.giveBack(in.extra)
		in.extra = 0
	}
	return true
}
