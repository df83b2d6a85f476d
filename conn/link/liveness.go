package link

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
)

const (
	// pingAfter is how long the other end may be silent before it is asked, pingWait how long it may take to answer.
	// Together they bound how long a dead peer goes unnoticed to 3 s, plus scheduling. The wait is made of pingTicks.
	pingAfter = 2 * time.Second
	pingWait  = 1 * time.Second
	pingTicks = 4
	// writeTimeout bounds one write: an other end that takes nothing for so long is gone.
	writeTimeout = 5 * time.Second
	// speakAfter is how long an end that reads may be silent itself, and speakFor how much it must have read meanwhile for
	// the silence to be worth a word.
	speakAfter = 500 * time.Millisecond
	speakFor   = 4 << 10
	// A tick that is late by more than maxLate says more about this process than about the other end, whose answer may
	// be there unread: it does not count, up to maxSilence.
	maxLate    = 50 * time.Millisecond
	maxSilence = 15 * time.Second
)

// liveness notices that the other end is gone although the stream does not say so. Times are since base.
type liveness struct {
	base    time.Time
	last    atomic.Int64 // when something was heard
	writing atomic.Int64 // when the write in progress began; 0: none
	spoke   atomic.Int64 // when a write last began
	unsaid  int          // bytes read since this end last spoke; the reader's
	rtt     atomic.Int64
	timer   *time.Timer

	mu     sync.Mutex
	due    time.Duration // when the next tick should come
	asked  time.Duration // when the ping in flight was sent; 0: none
	strict bool          // the ping in flight decides about life
	waited int           // ticks in time since the ping
}

func (v *liveness) now() time.Duration { return time.Since(v.base) }

// heard is called with every successful read. It reports whether this end owes the other a sign of life: that end's ping
// may wait behind bulk that takes longer than a ping may, and a word about the bulk comes first.
func (v *liveness) heard(n int) (speak bool) {
	now, spoke := v.now(), time.Duration(v.spoke.Load())
	v.last.Store(int64(now))
	if v.unsaid += n; now-spoke < speakAfter {
		v.unsaid = n
		return false
	}
	if v.unsaid < speakFor {
		return false
	}
	v.unsaid = 0
	v.spoke.Store(int64(now))
	return true
}

// heard is called with every read of a link that is up.
func (l *Link) heard(n int) {
	if l.live.heard(n) {
		l.out.control(frame.TypePong, 0, 0, make([]byte, tokenSize)...)
	}
}

// writes and wrote enclose what the writer does with the stream.
func (v *liveness) writes() {
	now := int64(max(1, v.now()))
	v.writing.Store(now)
	v.spoke.Store(now)
}

func (v *liveness) wrote() { v.writing.Store(0) }

func (v *liveness) start(l *Link) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.due = v.now() + pingAfter
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
	v.asked, v.strict, v.waited = max(1, v.now()), strict, 0
	l.out.control(frame.TypePing, 0, 0, v.token()...)
}

// tokenSize is the size of a token. No ping has the one of zeroes, which is that of a PONG that nobody asked for.
const tokenSize = 8

// token is the payload of the ping in flight.
func (v *liveness) token() []byte { return binary.BigEndian.AppendUint64(nil, uint64(v.asked)) }

func (v *liveness) pong(body []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.asked == 0 || !bytes.Equal(body, v.token()) {
		return
	}
	v.rtt.Store(int64(max(1, v.now()-v.asked)))
	v.asked = 0
}

// tick looks how long the other end has been silent, and tidies up what an idle link does not need.
func (v *liveness) tick(l *Link) {
	if l.Err() != nil {
		return
	}
	l.work.trimHalf()
	if err := v.check(l); err != nil {
		l.fail(err)
		return
	}
	l.out.shrink()
	l.calls.shrink()
	l.served.shrink()
}

// check says why the other end must be taken for dead, or plans the next tick.
func (v *liveness) check(l *Link) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now()
	late := now-v.due > maxLate
	last, writing := time.Duration(v.last.Load()), time.Duration(v.writing.Load())
	next := pingAfter - (now - last)
	switch {
	case writing != 0 && now-writing >= writeTimeout && !late:
		return errStuck
	case v.asked != 0 && v.strict && last < v.asked:
		if !late {
			v.waited++
		}
		if v.waited >= pingTicks || now-last >= maxSilence {
			return ErrSilent
		}
		next = pingWait / pingTicks
	case next <= 0:
		v.ping(l, true)
		next = pingWait / pingTicks
	}
	if writing != 0 {
		next = min(next, max(writing+writeTimeout-now, time.Millisecond))
	}
	v.due = now + next
	v.timer.Reset(next)
	return nil
}
