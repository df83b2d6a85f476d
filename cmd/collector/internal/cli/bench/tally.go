package bench

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/cmd/collector/internal/cli/failure"
)

// tally is what has been called so far.
type tally struct {
	limit               int64
	begun, done, failed atomic.Int64

	mu        sync.Mutex
	latencies []time.Duration // guarded by mu
	first     error           // of the failures, guarded by mu
}

// caller is one of those that call at the same time.
func (t *tally) caller(ctx context.Context, call func(context.Context) error) {
	var mine []time.Duration
	for ctx.Err() == nil && t.begun.Add(1) <= t.limit {
		start := time.Now()
		err := call(ctx)
		if ctx.Err() != nil {
			break // cut off: how long it took says nothing
		}
		mine = append(mine, time.Since(start))
		t.done.Add(1)
		if err != nil {
			t.fail(err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latencies = append(t.latencies, mine...)
}

func (t *tally) fail(err error) {
	t.failed.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first == nil {
		t.first = err
	}
}

// result is for when all callers are done.
func (t *tally) result(took time.Duration) Result {
	slices.Sort(t.latencies)
	r := Result{Calls: len(t.latencies), Errors: t.failed.Load(), Seconds: took.Seconds()}
	if r.Calls == 0 {
		return r
	}
	at := func(q float64) int64 { return t.latencies[int(q*float64(r.Calls-1))].Nanoseconds() }
	r.Rate = float64(r.Calls) / r.Seconds
	r.P50, r.P90, r.P99, r.Max = at(0.5), at(0.9), at(0.99), at(1)
	if t.first != nil {
		r.First = t.first.Error()
		r.first, _ = failure.As(t.first)
	}
	return r
}
