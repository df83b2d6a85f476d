package link

import (
	"sync"
)

// callTable holds the calls that this end opened.
type callTable struct {
	mu    sync.Mutex
	calls slots[clientStream]
	next  uint64
	away  bool  // the other end drains: open nothing new
	over  error // the link is over, or as good as that
	idle  chan struct{}
}

func (t *callTable) init(initiator bool) {
	t.next = 2
	if initiator {
		t.next = 1
	}
}

// add gives s its id. The outbox is locked, so ids go out in order.
func (t *callTable) add(s *clientStream) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.over != nil:
		return t.over
	case t.away:
		return errGoaway
	}
	s.id = t.next
	t.next += 2
	t.calls.put(s.id, s)
	return nil
}

func (t *callTable) get(id uint64) *clientStream {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls.get(id)
}

// remove forgets a call and reports whether it was there.
func (t *callTable) remove(id uint64) bool { return t.take(id) != nil }

// take forgets a call and returns it; nil if it is not there.
func (t *callTable) take(id uint64) *clientStream {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.calls.take(id)
	if s != nil {
		t.noteIdle()
	}
	return s
}

// noteIdle tells those who wait for the last call that it is gone. t.mu is held.
func (t *callTable) noteIdle() {
	if t.calls.len() == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

func (t *callTable) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls.len()
}

// shrink drops the memory that many calls at once have needed.
func (t *callTable) shrink() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls.len() == 0 {
		t.calls = slots[clientStream]{}
	}
}

// used reports whether id is one this end has given.
func (t *callTable) used(id uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return id < t.next && id%2 == t.next%2
}

// parting reports whether the end of the link was announced, and whether by now nothing can be lost by it.
func (t *callTable) parting() (away, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.away, t.over != nil
}

// goAway stops new calls and returns those that the other end has not accepted.
func (t *callTable) goAway(last uint64) []*clientStream {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.away = true
	var refused []*clientStream
	for id, s := range t.calls.all() {
		if id > last {
			refused = append(refused, s)
		}
	}
	return refused
}

// closeIfIdle stops new calls for the reason, if none runs.
func (t *callTable) closeIfIdle(reason error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls.len() > 0 {
		return false
	}
	if t.over == nil {
		t.over = reason
	}
	return true
}

// whenIdle returns a channel that is closed when no call is left.
func (t *callTable) whenIdle() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls.len() == 0 {
		return closedChan
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	return t.idle
}

// failAll ends every call because the link is over. Those that were opened in the batch unsent or later have not left.
func (t *callTable) failAll(l *Link, unsent uint64, err error) {
	t.mu.Lock()
	t.over = err
	calls := t.calls
	t.calls = slots[clientStream]{}
	t.noteIdle()
	t.mu.Unlock()
	for _, s := range calls.all() {
		s.abort(l.unavailable(s.batch < unsent, err))
	}
}
