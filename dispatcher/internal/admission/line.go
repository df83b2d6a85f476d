package admission

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// How long a call waits for a place: half of what it usually takes to run it, within these bounds.
const (
	LeastWait = 2 * time.Millisecond
	MostWait  = 100 * time.Millisecond
)

// line is the places of a method, and the calls that wait for one.
type line struct {
	running atomic.Int32
	limit   atomic.Int32 // 0 for none
	waiting atomic.Int32
	mu      sync.Mutex   // of waiters
	waiters []waiter     // the newest last
	usual   atomic.Int64 // nanoseconds that calls take while few run
	pressed atomic.Int64 // when a call last found no place
}

// waiter is told true when it has a place, and false when a newer call has taken its turn.
type waiter chan bool

// most is how many may run at once; 0 for all.
func (l *line) most(p *Policy) int32 {
	if p.Calls > 0 {
		return p.Calls
	}
	return l.limit.Load()
}

// wait waits for a place of a call that has counted itself in and found none. It returns among how many calls it
// runs; 0 if it is refused.
func (l *line) wait(ctx context.Context, p *Policy) int32 {
	l.running.Add(-1)
	l.pressed.Store(p.Clock.Now())
	patience := l.patience(ctx)
	if patience <= 0 {
		return 0
	}
	w := make(waiter, 1)
	l.push(w, int(l.most(p)))
	l.admit(p) // a place that became free before the line had it
	timer := time.NewTimer(patience)
	defer timer.Stop()
	let := false
	select {
	case let = <-w:
	case <-timer.C:
		let = l.leave(w)
	case <-ctx.Done():
		let = l.leave(w)
	}
	if !let {
		return 0
	}
	return max(1, l.running.Load())
}

// patience is how long a call may wait; 0 for one whose time would be over before it is answered.
func (l *line) patience(ctx context.Context) time.Duration {
	usual := time.Duration(l.usual.Load())
	patience := min(max(usual/2, LeastWait), MostWait)
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)-usual)
	}
	return patience
}

// push puts a call in the line. If that has as many as it holds, the oldest goes.
func (l *line) push(w waiter, most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiters) >= max(1, most) {
		l.waiters[0] <- false
		l.waiters = slices.Delete(l.waiters, 0, 1)
	}
	l.keep(append(l.waiters, w))
}

// keep makes these the calls that wait. mu is held.
func (l *line) keep(waiters []waiter) {
	l.waiters = waiters
	l.waiting.Store(int32(len(waiters))) //nolint:gosec // there are no more of them than the limit
}

// leave takes a call out of the line. If it is there no more, it has been told something.
func (l *line) leave(w waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.Index(l.waiters, w)
	if at < 0 {
		return <-w
	}
	l.keep(slices.Delete(l.waiters, at, at+1))
	return false
}

// admit gives the places that are free to the newest calls of the line.
func (l *line) admit(p *Policy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	most := l.most(p)
	for n := len(l.waiters); n > 0 && (most == 0 || l.running.Load() < most); n-- {
		l.running.Add(1)
		l.waiters[n-1] <- true
		l.keep(slices.Delete(l.waiters, n-1, n))
	}
}
