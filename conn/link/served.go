package link

import (
	"context"
	"sync"
	"time"
)

// servedTable holds the calls that the other end opened and whose handlers run.
type servedTable struct {
	mu      sync.Mutex
	calls   slots[serverCall] // those the other end still waits for
	running int               // handlers that have not returned
	last    uint64            // newest id seen
	spare   []*serverCall     // to be used again
	drain   bool
	over    bool
	idle    chan struct{}
	watch   *time.Timer // fires at next
	next    time.Time   // no deadline passes earlier
}

func (t *servedTable) init(l *Link) {
	t.watch = time.AfterFunc(time.Hour, func() { t.sweep(l) })
	t.watch.Stop()
}

type admission int

const (
	admitted admission = iota
	ignored            // draining: the caller knows, or will when it reads the GOAWAY
	overCap
	reused
)

// add admits a call, if there is room for its handler. Only the reader does.
func (t *servedTable) add(l *Link, o opening) (*serverCall, admission) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case o.id <= t.last:
		return nil, reused
	case t.drain || t.over:
		return nil, ignored
	}
	t.last = o.id
	if t.running >= l.limits.MaxCalls {
		return nil, overCap
	}
	t.running++
	c := t.fresh()
	c.out.credit, c.in.pool = l.window, &l.extra
	c.life.on(openingEvent(o.whole))
	c.link, c.id, c.target, c.metadata = l, o.id, o.target, o.metadata
	c.scope = &scope{call: c}
	c.scope.deadline = o.deadline
	t.calls.put(c.id, c)
	t.watchDeadline(o.deadline)
	return c, admitted
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
	if t.calls.len() == 0 {
		t.spare, t.calls = nil, slots[serverCall]{}
	}
}

// get returns the call, and whether frames of id may come although there is none.
func (t *servedTable) get(id uint64) (c *serverCall, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls.get(id), id <= t.last || t.drain || t.over
}

// remove forgets a call that has ended.
func (t *servedTable) remove(id uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls.take(id)
}

// returned counts a handler off. spent says that nobody but the reader may still look at its call.
func (t *servedTable) returned(c *serverCall, spent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	c.life.on(returned)
	if spent && !c.out.parted && len(t.spare) < maxSpare {
		t.spare = append(t.spare, c)
	}
	if t.running == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

func (t *servedTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.running
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
	if t.running == 0 {
		return closedChan
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	return t.idle
}

// cancelAll ends the contexts of all handlers because the link is over.
func (t *servedTable) cancelAll() {
	t.mu.Lock()
	t.over = true
	t.watch.Stop()
	var aborted []*serverCall
	for _, c := range t.calls.all() {
		if _, moved := c.life.on(linkLost); moved {
			aborted = append(aborted, c)
		}
	}
	t.calls = slots[serverCall]{}
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
func (t *servedTable) sweep(l *Link) {
	for _, c := range t.expired(time.Now()) {
		c.expire(l)
	}
}

// expired aborts the calls whose deadline has passed. What is in the table is not used again yet, as long as t.mu is held.
func (t *servedTable) expired(now time.Time) []*serverCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	var late []*serverCall
	next := time.Time{}
	for id, c := range t.calls.all() {
		switch deadline := c.scope.deadline; {
		case deadline.IsZero():
		case !deadline.After(now):
			if _, moved := c.life.on(timedOut); moved {
				t.calls.take(id)
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
