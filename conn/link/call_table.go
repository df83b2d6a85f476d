package link

import (
	"sync"

	"github.com/collectiverpc/collective/conn/link/internal/slots"
)

// callTable holds the calls that this end opened and that the other end has not answered.
type callTable[C any] struct {
	mu    sync.Mutex
	calls slots.Table[C]
	next  uint64
	away  bool  // the other end drains: open nothing new
	over  error // the link is over, or as good as that
	idle  idleness
}

func (t *callTable[C]) init(initiator bool) {
	t.next = 2
	if initiator {
		t.next = 1
	}
}

// add gives a call its id. The outbox is locked, so ids go out in order.
func (t *callTable[C]) add(c *C) (id uint64, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over != nil:
		return 0, t.over
	case t.away:
		return 0, errGoaway
	}
	id = t.next
	t.next += 2
	t.calls.Put(id, c)
	return id, nil
}

func (t *callTable[C]) get(id uint64) *C {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls.Get(id)
}

// remove forgets a call and returns it; nil if it is not there.
func (t *callTable[C]) remove(id uint64) *C {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.calls.Remove(id)
	if c != nil {
		t.idle.note(t.calls.Len() == 0)
	}
	return c
}

func (t *callTable[C]) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls.Len()
}

// shrink drops the memory that many calls at once have needed.
func (t *callTable[C]) shrink() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls.Len() == 0 {
		t.calls = slots.Table[C]{}
	}
}

// used reports whether id is one this end has given.
func (t *callTable[C]) used(id uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return id < t.next && id%2 == t.next%2
}

// parting reports whether the end of the link was announced, and whether by now nothing can be lost by it.
func (t *callTable[C]) parting() (away, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.away, t.over != nil
}

// goAway stops new calls, and forgets and returns those that the other end has not accepted.
func (t *callTable[C]) goAway(last uint64) (refused []*C) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.away = true
	for id := range t.calls.All() {
		if id > last {
			refused = append(refused, t.calls.Remove(id))
		}
	}
	t.idle.note(t.calls.Len() == 0)
	return refused
}

// closeIfIdle stops new calls for the reason, if none runs.
func (t *callTable[C]) closeIfIdle(reason error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls.Len() > 0 {
		return false
	}
	if t.over == nil {
		t.over = reason
	}
	return true
}

// whenIdle returns a channel that is closed when no call is left.
func (t *callTable[C]) whenIdle() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.idle.wait(t.calls.Len() == 0)
}

// close stops new calls because the link is over, and forgets and returns those that run.
func (t *callTable[C]) close(reason error) (running []*C) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = reason
	for _, c := range t.calls.All() {
		running = append(running, c)
	}
	t.calls = slots.Table[C]{}
	t.idle.note(t.calls.Len() == 0)
	return running
}
