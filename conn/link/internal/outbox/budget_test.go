package outbox

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestBudget wants memory to be given in the order in which it was asked for, and back from those who give up.
func TestBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(New(1<<20, false, make(chan struct{})), 100)
		if n, err := b.Acquire(t.Context(), 1000, time.Minute); n != 100 || err != nil {
			t.Fatalf("all of it: %d, %v", n, err)
		}
		gaveUp, giveUp := context.WithCancel(t.Context())
		var got []int
		ask := func(ctx context.Context, n int) {
			go func() {
				if _, err := b.Acquire(ctx, n, time.Minute); err == nil {
					got = append(got, n)
				}
			}()
			synctest.Wait()
		}
		ask(gaveUp, 60)
		ask(t.Context(), 30)
		ask(t.Context(), 20)
		b.Release(40)
		synctest.Wait()
		if len(got) > 0 {
			t.Fatalf("%v have overtaken the first", got)
		}
		giveUp()
		synctest.Wait()
		if !slices.Equal(got, []int{30}) {
			t.Fatalf("without the first, of 40 bytes: %v", got)
		}
		b.Release(10)
		synctest.Wait()
		if !slices.Equal(got, []int{30, 20}) || b.left != 0 {
			t.Errorf("of 10 bytes more: %v, %d are left", got, b.left)
		}
	})
}

// TestBudgetStalls wants who waits to give up when nothing has left for the stall timeout, and not before; or when the link is
// over. What they waited for is there for the next one.
func TestBudgetStalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		out := New(1<<20, false, over)
		b := NewBudget(out, 100)
		_, _ = b.Acquire(t.Context(), 100, time.Minute)
		got := make(chan error)
		wait := func() { _, err := b.Acquire(t.Context(), 50, 30*time.Second); got <- err }
		start := time.Now()
		go wait()
		<-time.After(20 * time.Second)
		half := &Half{}
		half.Begin(1 << 20)
		if err := out.Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
		out.Queue(&Message{Data: make([]byte, 1<<10), Half: half}, func() bool { return false })
		out.Unlock()
		if err := <-got; !errors.Is(err, ErrStalled) || time.Since(start) != 50*time.Second {
			t.Errorf("a part left after 20 s, and nothing since: %v after %v", err, time.Since(start))
		}
		go wait()
		synctest.Wait()
		close(over)
		if err := <-got; !errors.Is(err, ErrOver) {
			t.Errorf("the link is over: %v", err)
		}
		b.Release(100)
		if n, err := b.Acquire(t.Context(), 100, 0); n != 100 || err != nil {
			t.Errorf("after all that waited: %d, %v", n, err)
		}
	})
}
