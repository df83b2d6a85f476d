package link

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pingAfter is how long the other end may be silent before it is asked, pingWait how long it may take to answer.
	// Together they bound how long a dead peer goes unnoticed to 3 s, plus scheduling.
	pingAfter = 2 * time.Second
	pingWait  = 1 * time.Second
)

// liveness notices that the other end is gone although the stream does not say so.
type liveness struct {
	base  time.Time
	last  atomic.Int64 // when something was heard, since base
	rtt   atomic.Int64
	timer *time.Timer

	mu     sync.Mutex
	asked  time.Duration // when the ping in flight was sent, since base; 0: none
	strict bool          // the ping in flight decides about life
}

// heard is called with every successful read.
func (v *liveness) heard(int) { v.last.Store(int64(time.Since(v.base))) }

func (v *liveness) start(l *Link) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.timer = time.AfterFunc(pingAfter, func() { v.tick(l) })
	v.ping(l, false) // for the round trip
}

func (v *liveness) stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.timer != nil {
		v.timer.Stop()
	}
}

func (v *liveness) ping(l *Link, strict bool) {
	v.asked, v.strict = max(1, time.Since(v.base)), strict
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(v.asked))
	l.out.control(framePing, 0, 0, b[:]...)
}

func (v *liveness) pong() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.asked == 0 {
		return
	}
	v.rtt.Store(int64(max(1, time.Since(v.base)-v.asked)))
	v.asked = 0
}

// tick looks how long the other end has been silent, and tidies up what an idle link does not need.
func (v *liveness) tick(l *Link) {
	if l.Err() != nil {
		return
	}
	l.work.trimHalf()
	if v.check(l) {
		l.out.shrink()
		return
	}
	l.fail(ErrSilent)
}

// check reports whether the other end may be alive.
func (v *liveness) check(l *Link) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	last := time.Duration(v.last.Load())
	silent := time.Since(v.base) - last
	switch {
	case v.asked != 0 && v.strict && last < v.asked:
		return false
	case silent >= pingAfter:
		v.ping(l, true)
		v.timer.Reset(pingWait)
	default:
		v.timer.Reset(pingAfter - silent)
	}
	return true
}
