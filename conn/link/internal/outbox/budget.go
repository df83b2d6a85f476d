package outbox

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Budget is how many bytes of memory encoded messages may take together until they have left. Who wants more waits, in the
// order in which they came. All methods are safe for concurrent use.
type Budget struct {
	out *Outbox

	mu      sync.Mutex
	limit   int
	left    int
	waiting []*claim
}

// claim is memory that somebody waits for.
type claim struct {
	bytes int
	given chan struct{}
}

// NewBudget returns the budget of what leaves by an outbox.
func NewBudget(out *Outbox, limit int) *Budget { return &Budget{out: out, limit: limit, left: limit} }

// Acquire takes n bytes, or all of the budget if that is less, and returns how many; Release gives them back. It waits for them
// until ctx ends, the link is over ([ErrOver]), or nothing large has left it for the stall timeout ([ErrStalled]).
func (b *Budget) Acquire(ctx context.Context, n int, stall time.Duration) (int, error) {
	n = min(n, b.limit)
	c := b.claim(n)
	if c == nil {
		return n, nil
	}
	if err := b.await(ctx, c, stall); err != nil {
		b.forget(c)
		return 0, err
	}
	return n, nil
}

// claim takes n bytes, or returns what waits for them.
func (b *Budget) claim(n int) *claim {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 && n <= b.left {
		b.left -= n
		return nil
	}
	c := &claim{bytes: n, given: make(chan struct{})}
	b.waiting = append(b.waiting, c)
	return c
}

func (b *Budget) await(ctx context.Context, c *claim, stall time.Duration) error {
	begun := time.Now()
	stalled := time.NewTimer(stall)
	defer stalled.Stop()
	for {
		select {
		case <-c.given:
			return nil
		case <-b.out.over:
			return ErrOver
		case <-ctx.Done():
			return ctx.Err()
		case <-stalled.C:
		}
		idle := min(time.Since(begun), b.out.sinceMoved())
		if idle >= stall {
			return ErrStalled
		}
		stalled.Reset(stall - idle)
	}
}

// forget makes c wait no more, and gives back what it has got in this moment.
func (b *Budget) forget(c *claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at := slices.Index(b.waiting, c); at >= 0 {
		b.waiting = slices.Delete(b.waiting, at, at+1)
	} else {
		b.left += c.bytes
	}
	b.give()
}

// Release gives n bytes back.
func (b *Budget) Release(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
	b.give()
}

// give gives what is left to those that wait, the first first. The mutex is held.
func (b *Budget) give() {
	for len(b.waiting) > 0 && b.waiting[0].bytes <= b.left {
		b.left -= b.waiting[0].bytes
		close(b.waiting[0].given)
		b.waiting = slices.Delete(b.waiting, 0, 1)
	}
}
