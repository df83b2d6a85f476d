package exchange

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Rules say how long a client may let an exchange wait. Their methods are safe for concurrent use.
type Rules struct {
	// Body is how long a hurried request may wait in sum, beside a second for each LeastRate bytes of it that have come.
	Body time.Duration
	// Answer is how long a piece of an answer may wait to be taken.
	Answer time.Duration
	// Held bounds what requests and answers hold in memory.
	Held Budget
	// Of is the connection of a request; nil for one that is not known.
	Of func(*http.Request) Connection
}

// Budget bounds bytes that are held. It is safe for concurrent use.
type Budget interface {
	// Take takes so many more, or returns the error that refuses them.
	Take(n int64) error
	// Give gives them back.
	Give(n int64)
}

// Connection is told what happens to the exchanges on it. It is safe for concurrent use.
type Connection interface {
	// Begin is called when one begins, and End when it has ended: stuck, or in order. Unfinished is one of HTTP/2 whose request
	// may not have come to its end.
	Begin()
	End(stuck, unfinished bool)
	// Wait is called when one begins to wait for the client, and Went when that has ended.
	Wait()
	Went()
	// Hijacked is called when it is taken away from the server.
	Hijacked()
	// Tight reports whether the client may be one that takes little: then answers are written to their end while they
	// are watched.
	Tight() bool
}

// LeastRate is how many bytes a second a client must bring of a hurried request, after the time that it may wait.
const LeastRate = 1 << 10

// watch is what is known of an exchange while it waits.
type watch struct {
	rules *Rules
	conn  Connection // nil when it is not known
	http1 bool

	hurry    atomic.Bool // the whole request has to keep coming
	mid      atomic.Bool // a message of it has begun and not ended
	ended    atomic.Bool // a read has returned an error, the end of the body too: none waits for the client any more
	whole    atomic.Bool // the request has come to its end
	stopped  atomic.Bool // nothing more of the request is wanted
	stuck    atomic.Bool
	hijacked bool // its connection is not the server's any more

	// reading and writing are since when one waits, 0 when none does.
	reading, writing atomic.Int64
	waited, received atomic.Int64 // of the hurried request, or of the message that has begun
	armed            atomic.Bool

	// mu orders the alarm with the end of the request, after which its response writer must not be touched.
	mu    sync.Mutex
	w     http.ResponseWriter // nil from then on
	alarm *time.Timer         // runs from the first wait; nil when there was none
}

// began is where the clock of this package begins.
var began = time.Now()

// clock is the time since then, never 0.
func clock() int64 { return int64(time.Since(began)) | 1 }

// hurried reports whether a read waits for the client to go on.
func (e *watch) hurried() bool { return e.hurry.Load() || e.mid.Load() }

// arm has the alarm ring when what begins to wait now has waited too long. It is not stopped in between: most reads and
// writes end at once.
func (e *watch) arm(patience time.Duration) {
	if e.armed.Load() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.w == nil || e.armed.Load():
		return
	case e.alarm == nil:
		e.alarm = time.AfterFunc(patience, e.ring)
	default:
		e.alarm.Reset(patience)
	}
	e.armed.Store(true)
}

// ring ends what has waited for a client that has stopped, or looks again when the present wait is long enough.
func (e *watch) ring() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.w == nil {
		return
	}
	e.armed.Store(false)
	left, waits := e.left(clock())
	switch {
	case !waits: // who begins to wait from now on arms it
	case left > 0:
		e.armed.Store(true)
		e.alarm.Reset(left)
	default:
		e.giveUp()
	}
}

// left is how long what waits may go on waiting.
func (e *watch) left(now int64) (left time.Duration, waits bool) {
	if since := e.reading.Load(); since != 0 && e.hurried() {
		earned := time.Duration(e.received.Load()) * time.Second / LeastRate
		left, waits = e.rules.Body+earned-time.Duration(e.waited.Load()+now-since), true
	}
	if since := e.writing.Load(); since != 0 {
		of := e.rules.Answer - time.Duration(now-since)
		if !waits || of < left {
			left = of
		}
		waits = true
	}
	return left, waits
}

// giveUp fails what waits. Over HTTP/2 that resets the stream. A write over HTTP/1.1 may wait for the rest of the request,
// which the server reads before it answers. Callers hold mu.
func (e *watch) giveUp() {
	e.stuck.Store(true)
	if !e.ended.Load() {
		e.interrupt()
	}
	if e.writing.Load() != 0 {
		_ = http.NewResponseController(e.w).SetWriteDeadline(past)
	}
}

// interrupt ends a read that waits, if that can be; else the client's end of the request ends it. Over HTTP/1.1 it is
// the last request of its connection: a read of net/http that looks for the next one may be the one that fails, and then
// every later request would be taken for one whose client is gone. The server is told so in the one way there is, as
// [http.MaxBytesReader] does it. Then it also waits a moment before it hangs up: what the client sends on would make the
// kernel reset the connection, and the answer be lost. Callers hold mu.
func (e *watch) interrupt() {
	e.stopped.Store(true)
	_, _ = http.MaxBytesReader(bare(e.w), io.NopCloser(strings.NewReader("x")), 0).Read(make([]byte, 1))
	_ = http.NewResponseController(e.w).SetReadDeadline(past)
}

// RestTime is how long the rest of a request has, once it has been answered.
const RestTime = 5 * time.Second

// past is a deadline that is over.
var past = time.Unix(1, 0)

// bare is the server's own response writer.
func bare(w http.ResponseWriter) http.ResponseWriter {
	for {
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = wrapper.Unwrap()
	}
}

// rests reports whether a server of HTTP/1.1 may wait for the rest of the request before it answers, or behind the answer.
func (e *watch) rests() bool { return e.http1 && !e.ended.Load() && !e.stopped.Load() }

// bound gives the rest of a request a moment to come. The handler calls it, directly or not.
func (e *watch) bound() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.w != nil && !e.stopped.Load() { // which has set one that is over
		_ = http.NewResponseController(e.w).SetReadDeadline(time.Now().Add(RestTime))
	}
}

// take and give are for what an answer holds while it waits.
func (e *watch) take(n int64) error {
	if e.rules == nil || e.rules.Held == nil {
		return nil
	}
	return e.rules.Held.Take(n)
}

func (e *watch) give(n int64) {
	if n > 0 && e.rules.Held != nil {
		e.rules.Held.Give(n)
	}
}
