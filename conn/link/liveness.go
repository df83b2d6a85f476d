package link

import (
	"bytes"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/conn/link/internal/frame"
	"github.com/collectiverpc/collective/conn/link/internal/outbox"
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
	out  *outbox.Outbox
	fail func(error) // takes the other end for dead
	tidy func()      // is called now and then, to drop what an idle link does not need

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

	stopped bool
}

func newLiveness(out *outbox.Outbox, fail func(error), tidy func()) *liveness {
	return &liveness{out: out, fail: fail, tidy: tidy, base: time.Now()}
}

func (v *liveness) now() time.Duration { return time.Since(v.base) }

// heard is called with every successful read. If this end owes the other a sign of life it gives one: that end's ping may
// wait behind bulk that takes longer than a ping may, and a word about the bulk comes first.
func (v *liveness) heard(n int) {
	now, spoke := v.now(), time.Duration(v.spoke.Load())
	v.last.Store(int64(now))
	if v.unsaid += n; now-spoke < speakAfter {
		v.unsaid = n
		return
	}
	if v.unsaid < speakFor {
		return
	}
	v.unsaid = 0
	v.spoke.Store(int64(now))
	v.out.Control(frame.TypePong, 0, 0, make([]byte, tokenSize)...)
}

// WriteBegins and WriteEnds enclose what the writer does with the stream. They are [outbox.Watch].
func (v *liveness) WriteBegins() {
	now := int64(max(1, v.now()))
	v.writing.Store(now)
	v.spoke.Store(now)
}

// WriteEnds is the other end of WriteBegins.
func (v *liveness) WriteEnds() { v.writing.Store(0) }

func (v *liveness) start() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stopped {
		return
	}
	v.due = v.now() + pingAfter
	v.timer = time.AfterFunc(pingAfter, v.tick)
	v.ping(false) // for the round trip
}

func (v *liveness) stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stopped = true
	if v.timer != nil {
		v.timer.Stop()
	}
}

func (v *liveness) ping(strict bool) {
	v.asked, v.strict, v.waited = max(1, v.now()), strict, 0
	v.out.Control(frame.TypePing, 0, 0, v.token()...)
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
func (v *liveness) tick() {
	if err := v.check(); err != nil {
		v.fail(err)
		return
	}
	v.tidy()
}

// check says why the other end must be taken for dead, or plans the next tick.
func (v *liveness) check() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stopped {
		return nil
	}
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
		v.ping(true)
		next = pingWait / pingTicks
	}
	if writing != 0 {
		next = min(next, max(writing+writeTimeout-now, time.Millisecond))
	}
	v.due = now + next
	v.timer.Reset(next)
	return nil
}
