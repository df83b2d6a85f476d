package link

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

type contextKey struct{}

func newCallContext() *callContext { return new(callContext) }

// TestCallContext holds callContext to the contract of [context.Context].
func TestCallContext(t *testing.T) {
	t.Parallel()
	for _, reason := range []error{context.Canceled, context.DeadlineExceeded} {
		for name, asked := range map[string]bool{"Done before the end": true, "Done after it": false} {
			t.Run(name+" by "+reason.Error(), func(t *testing.T) {
				t.Parallel()
				c := newCallContext()
				var done <-chan struct{}
				if asked {
					done = c.Done()
					if isClosed(done) || c.Err() != nil {
						t.Fatal("done before the end")
					}
				}
				c.cancel(reason)
				c.cancel(errors.New("a later reason"))
				if !asked {
					done = c.Done()
				}
				if !isClosed(done) || !isClosed(c.Done()) || c.Err() != reason || context.Cause(c) != reason {
					t.Errorf("Done closed: %v, Err = %v, Cause = %v", isClosed(done), c.Err(), context.Cause(c))
				}
			})
		}
	}
	c := newCallContext()
	if first, again := c.Done(), c.Done(); first != again {
		t.Error("Done returns different channels")
	}
	if _, ok := c.Deadline(); ok {
		t.Error("a deadline without one")
	}
	at := time.Now().Add(time.Hour)
	c.deadline = at
	if got, ok := c.Deadline(); !ok || got != at {
		t.Errorf("Deadline = %v, %v", got, ok)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestCallContextChildren derives contexts in every way, directly and through a value as connect does, and wants them to
// end with the call and by themselves. The bubble fails if a goroutine is left.
func TestCallContextChildren(t *testing.T) {
	t.Parallel()
	derive := map[string]func(context.Context) (context.Context, context.CancelFunc){
		"WithCancel": context.WithCancel,
		"WithDeadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		},
		"grandchild": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, outer := context.WithCancel(ctx)
			ctx, inner := context.WithTimeout(ctx, time.Hour)
			return ctx, func() { inner(); outer() }
		},
	}
	parents := map[string]func(*callContext) context.Context{
		"direct":          func(c *callContext) context.Context { return c },
		"through a value": func(c *callContext) context.Context { return context.WithValue(c, contextKey{}, 1) },
	}
	for parent, parentOf := range parents {
		for name, child := range derive {
			t.Run(name+" "+parent, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := newCallContext()
					byCall, cancel := child(parentOf(c))
					defer cancel()
					byItself, stop := child(parentOf(c))
					stop()
					if byItself.Err() != context.Canceled || c.Err() != nil || byCall.Err() != nil {
						t.Error("a child that is canceled concerns itself only")
					}
					c.cancel(context.DeadlineExceeded)
					<-byCall.Done()
					if byCall.Err() != context.DeadlineExceeded || context.Cause(byCall) != context.DeadlineExceeded {
						t.Errorf("child ended with %v, %v", byCall.Err(), context.Cause(byCall))
					}
					late, cancelLate := child(parentOf(c))
					defer cancelLate()
					if !isClosed(late.Done()) || late.Err() != context.DeadlineExceeded {
						t.Errorf("child of an ended call: %v", late.Err())
					}
				})
			})
		}
	}
}

// TestCallContextAfterFunc holds AfterFunc to what [context.AfterFunc] promises.
func TestCallContextAfterFunc(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCallContext()
		ran := make(chan string, 10)
		stopped := context.AfterFunc(c, func() { ran <- "stopped" })
		kept := context.AfterFunc(c, func() { ran <- "kept" })
		if !stopped() || stopped() {
			t.Error("stop is true once")
		}
		synctest.Wait()
		if len(ran) != 0 {
			t.Error("it ran before the end")
		}
		c.cancel(context.Canceled)
		synctest.Wait()
		if len(ran) != 1 || <-ran != "kept" {
			t.Error("the function did not run once")
		}
		if kept() {
			t.Error("stop is true although the function ran")
		}
		late := context.AfterFunc(c, func() { ran <- "late" })
		synctest.Wait()
		if len(ran) != 1 || late() {
			t.Error("a function that comes late did not run at once")
		}
	})
}

// TestCallContextNeedsNoGoroutine derives directly: the goroutines of the bubble are this one only.
func TestCallContextNeedsNoGoroutine(t *testing.T) {
	t.Parallel()
	c := newCallContext()
	ctx, cancel := context.WithCancel(c)
	defer cancel()
	if len(c.after) != 1 {
		t.Errorf("%d functions registered, want the child's", len(c.after))
	}
	c.cancel(context.Canceled)
	<-ctx.Done()
}
