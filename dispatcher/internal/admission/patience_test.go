package admission

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// What waits for something else than its turn is not overloaded, however long it takes and however many there are: no call is
// refused that would have been answered.
func TestPatience(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*testing.T){
		"as slow as ever, and more of it": func(t *testing.T) {
			f := newFake(sleep(2 * time.Second))
			for rate := 10.0; rate < 1000; rate *= 2 {
				f.load(rate, 3*time.Second, 5*time.Second)
			}
			f.quiet(t, t.Name())
		},
		"becomes slow at once": func(t *testing.T) {
			takes := takes(10 * time.Millisecond)
			f := newFake(takes.handle)
			f.load(1000, 3*time.Second, 5*time.Second)
			takes.set(2 * time.Second)
			f.load(1000, 10*time.Second, 5*time.Second)
			takes.set(10 * time.Millisecond)
			f.load(1000, 3*time.Second, 5*time.Second)
			takes.set(4 * time.Second)
			f.load(100, 10*time.Second, 5*time.Second)
			f.quiet(t, t.Name())
		},
		"becomes slow, by and by": func(t *testing.T) {
			takes := takes(10 * time.Millisecond)
			f := newFake(takes.handle)
			for range 60 {
				f.load(300, time.Second, 5*time.Second)
				takes.set(time.Duration(takes.Load()) * 11 / 10)
			}
			f.calls.Wait()
			// While it happens nothing tells it from a queue: some calls are refused to find out.
			if _, refused, failed := f.of(0, time.Hour); refused > len(f.ended)*3/100 || failed > 0 {
				t.Errorf("%d of %d calls were refused and %d failed", refused, len(f.ended), failed)
			}
		},
		"times of all kinds": func(t *testing.T) {
			f := newFake(func(context.Context) error {
				elapse(time.Duration(rand.ExpFloat64()*float64(200*time.Millisecond)) / time.Duration(1+rand.IntN(50)))
				return nil
			})
			for rate := 10.0; rate < 3000; rate *= 3 {
				f.load(rate, 5*time.Second, 10*time.Second)
			}
			f.quiet(t, t.Name())
		},
		"long poll": func(t *testing.T) {
			news := newNews()
			f := newFake(news.wait)
			f.closed(10, 10*time.Second, 30*time.Second)
			f.closed(1000, 200*time.Second, 30*time.Second)
			for began := time.Now(); time.Since(began) < 200*time.Second; {
				elapse(time.Duration(rand.ExpFloat64() * float64(5*time.Second)))
				news.tell()
			}
			f.calls.Wait()
			if _, refused, _ := f.of(0, time.Hour); refused > 0 {
				t.Errorf("%d of %d polls were refused", refused, len(f.ended))
			}
		},
		"a lock, and time to wait for it": func(t *testing.T) {
			f := newFake(pool(1, 50*time.Millisecond))
			f.closed(150, time.Minute, 30*time.Second)
			f.quiet(t, t.Name())
		},
		"no deadline": func(t *testing.T) {
			f := newFake(pool(5, 50*time.Millisecond))
			f.closed(500, time.Minute, 0)
			f.quiet(t, t.Name())
		},
		"a burst": func(t *testing.T) {
			f := newFake(pool(5, 20*time.Millisecond))
			for range 10 {
				f.load(100, 2*time.Second, 5*time.Second)
				f.load(10000, 20*time.Millisecond, 5*time.Second)
			}
			f.quiet(t, t.Name())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, run)
		})
	}
}

// changing is a handler whose time can be changed.
type changing struct{ atomic.Int64 }

func takes(d time.Duration) *changing {
	c := new(changing)
	c.set(d)
	return c
}

func (c *changing) set(d time.Duration) { c.Store(int64(d)) }

func (c *changing) handle(context.Context) error {
	elapse(time.Duration(c.Load()))
	return nil
}

func sleep(d time.Duration) func(context.Context) error {
	return func(context.Context) error { elapse(d); return nil }
}

// closed has so many callers, each of which calls again when it was answered.
func (f *fake) closed(callers int, took, timeout time.Duration) {
	until := time.Now().Add(took)
	for range callers {
		f.calls.Go(func() {
			for time.Now().Before(until) {
				f.call(timeout)
			}
		})
	}
}

// news is what long polls wait for.
type news struct {
	mu   sync.Mutex
	next chan struct{}
}

func newNews() *news { return &news{next: make(chan struct{})} }

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.next)
	n.next = make(chan struct{})
}

func (n *news) wait(ctx context.Context) error {
	n.mu.Lock()
	next := n.next
	n.mu.Unlock()
	select {
	case <-next:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
