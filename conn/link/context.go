package link

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// callContext is the context of a handler. It does without the timer and the two allocations of a
// context.WithDeadline: the link watches the deadlines of all its calls with one timer, and the Done channel is made
// when somebody asks for it. It implements AfterFunc, so contexts derived directly from it need no goroutine.
type callContext struct {
	deadline time.Time

	over atomic.Pointer[error] // why, once it is; set under mu

	mu     sync.Mutex
	done   chan struct{}
	after  map[int]func()
	nextID int
}

var closedChan = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (c *callContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

func (c *callContext) Value(any) any { return nil }

func (c *callContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		if c.Err() != nil {
			c.done = closedChan
		} else {
			c.done = make(chan struct{})
		}
	}
	return c.done
}

func (c *callContext) Err() error {
	if err := c.over.Load(); err != nil {
		return *err
	}
	return nil
}

// AfterFunc calls f in its own goroutine once the context is over, as [context.AfterFunc] asks of a context.
func (c *callContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Err() != nil {
		go f()
		return func() bool { return false }
	}
	if c.after == nil {
		c.after = map[int]func(){}
	}
	id := c.nextID
	c.nextID++
	c.after[id] = f
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, pending := c.after[id]
		delete(c.after, id)
		return pending
	}
}

// canceled and expired are the usual reasons, so that the end of a call allocates nothing.
var canceled, expired = context.Canceled, context.DeadlineExceeded

func reasonOf(err error) *error {
	switch err {
	case canceled:
		return &canceled
	case expired:
		return &expired
	}
	other := err
	return &other
}

func (c *callContext) cancel(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Err() != nil {
		return
	}
	c.over.Store(reasonOf(err))
	if c.done != nil {
		close(c.done)
	}
	for _, f := range c.after {
		go f()
	}
	c.after = nil
}
