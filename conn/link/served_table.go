package link

import (
	"context"
	"math"
	"sync"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn/link/internal/buffer"
	"github.com/collectiverpc/collective/conn/link/internal/slots"
)

// opening is an OPEN without its message.
type opening struct {
	id       uint64
	target   *target
	deadline time.Time
	spent    bool // it had passed when the OPEN came
	whole    bool // no more of the request follows
	once     int  // what the target costs that is for this call only
	metadata *buffer.Buffer
}

// deadlineOf returns the time that a timeout field stands for.
func deadlineOf(timeout uint64) time.Time {
	if timeout == 0 {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(min(timeout-1, math.MaxInt64/10_000)) * time.Microsecond)
}

// servedTable holds the calls that the other end opened until their handlers return, ended or not.
type servedTable struct {
	mu    sync.Mutex
	calls slots.Table[serverCall]
	most  int           // calls at once
	last  uint64        // newest id seen
	spare []*serverCall // to be used again
	drain bool
	over  bool
	idle  idleness
	watch *time.Timer // fires at next
	next  time.Time   // no deadline passes earlier
}

func (t *servedTable) init(most int) {
	t.most = most
	t.watch = time.AfterFunc(time.Hour, t.sweep)
	t.watch.Stop()
}

// allow changes how many calls there may be at once.
func (t *servedTable) allow(most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.most = most
}

// full is what a call is told that is too many.
func (t *servedTable) full() *connect.Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return connect.Errorf(connect.CodeResourceExhausted, "%d calls already run on this link, which is all it takes now", t.most).WithDetail(fullDetail)
}

type admission int

const (
	admitted admission = iota
	ignored            // draining: the caller knows, or will when it reads the GOAWAY
	overCap
	reused
)

// add admits a call, if there is room for its handler. Only the reader does.
func (t *servedTable) add(core *core, o opening) (*serverCall, admission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case o.id <= t.last:
		return nil, reused
	case t.drain || t.over:
		return nil, ignored
	}
	t.last = o.id
	if t.atCap() {
		return nil, overCap
	}
	c := t.fresh()
	c.out.Begin(core.window)
	core.receiver.begin(&c.call)
	c.life.on(openingEvent(o.whole))
	c.core, c.id, c.target, c.metadata = core, o.id, o.target, o.metadata
	c.stream = &handlerStream{call: c}
	c.stream.deadline = o.deadline
	t.calls.Put(c.id, c)
	t.watchDeadline(o.deadline)
	return c, admitted
}

// few is up to how many calls at once the end of one is awaited by the next.
const few = 16

// atCap reports whether there are as many calls as there may be. Where that is few, those do not count that are answered and
// whose handlers are about to return: who has its answer may call again. t.mu is held.
func (t *servedTable) atCap() bool {
	if t.calls.Len() < t.most || t.most > few || t.calls.Len() >= t.most+few {
		return t.calls.Len() >= t.most
	}
	running := 0
	for _, c := range t.calls.All() {
		if c.life.state() != answered {
			running++
		}
	}
	return running >= t.most
}

// maxSpare bounds the calls that wait to be used again.
const maxSpare = 256

// fresh returns memory for a call. t.mu is held. A call that has ended is used again by nobody but the reader of its
// own link, so that the reader can go on with a call while it ends.
func (t *servedTable) fresh() *serverCall {
	n := len(t.spare)
	if n == 0 {
		return new(serverCall)
	}
	c := t.spare[n-1]
	t.spare[n-1] = nil
	t.spare = t.spare[:n-1]
	c.call.reset()
	c.serverState = serverState{}
	return c
}

// shrink drops the memory of ended calls.
func (t *servedTable) shrink() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls.Len() == 0 {
		t.spare, t.calls = nil, slots.Table[serverCall]{}
	}
}

// get returns the call, and whether frames of id may come although there is none.
func (t *servedTable) get(id uint64) (c *serverCall, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls.Get(id), id <= t.last || t.drain || t.over
}

// returned forgets a call whose handler has returned. alone says that nobody but the reader may still look at it.
func (t *servedTable) returned(c *serverCall, alone bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls.Remove(c.id)
	c.life.on(returned)
	if alone && !c.parted && !c.in.promise.Waited() && len(t.spare) < maxSpare {
		t.spare = append(t.spare, c)
	}
	t.idle.note(t.calls.Len() == 0)
}

func (t *servedTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls.Len()
}

func (t *servedTable) draining() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.drain
}

// startDrain stops admissions and returns the last id that was admitted.
func (t *servedTable) startDrain() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drain = true
	return t.last
}

func (t *servedTable) whenIdle() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.idle.wait(t.calls.Len() == 0)
}

// close ends the contexts of all handlers because the link is over.
func (t *servedTable) close() {
	t.mu.Lock()
	t.over = true
	t.watch.Stop()
	var aborted []*serverCall
	for _, c := range t.calls.All() {
		if _, moved := c.life.on(linkLost); moved {
			aborted = append(aborted, c)
		}
	}
	t.mu.Unlock()
	for _, c := range aborted {
		c.abandon(context.Canceled)
	}
}

// watchDeadline makes sure that somebody looks when deadline has passed.
func (t *servedTable) watchDeadline(deadline time.Time) {
	if deadline.IsZero() || (!t.next.IsZero() && !deadline.Before(t.next)) {
		return
	}
	t.next = deadline
	t.watch.Reset(time.Until(deadline))
}

// sweepStep spaces the sweeps when many deadlines pass close to each other.
const sweepStep = 5 * time.Millisecond

// sweep ends the contexts of the handlers whose deadline has passed.
func (t *servedTable) sweep() {
	for _, c := range t.expired(time.Now()) {
		c.abandon(context.DeadlineExceeded)
		c.sayExpired()
	}
}

// expired aborts the calls whose deadline has passed. What is in the table is not used again yet, as long as t.mu is held.
func (t *servedTable) expired(now time.Time) []*serverCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	var late []*serverCall
	next := time.Time{}
	for _, c := range t.calls.All() {
		switch deadline := c.stream.deadline; {
		case deadline.IsZero() || c.life.state().over():
		case !deadline.After(now):
			if _, moved := c.life.on(timedOut); moved {
				late = append(late, c)
			}
		case next.IsZero() || deadline.Before(next):
			next = deadline
		}
	}
	t.next = next
	if !next.IsZero() && !t.over {
		t.watch.Reset(max(sweepStep, next.Sub(now)))
	}
	return late
}
