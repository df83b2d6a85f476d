package bench

import (
	"context"
	"sync"
	"time"
)

// Run calls until all is called, the time is over or ctx is done.
func (l *Load) Run(ctx context.Context) Result {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := &tally{limit: int64(l.Calls)}
	if l.Duration > 0 {
		t.limit = maxCalls
		defer time.AfterFunc(l.Duration, cancel).Stop() // not a deadline: the calls would have it, and fail by it
	}
	start := time.Now()
	stop := l.report(t)
	var group sync.WaitGroup
	for range l.Callers {
		group.Go(func() { t.caller(ctx, l.Call) })
	}
	group.Wait()
	took := time.Since(start)
	stop()
	return t.result(took)
}
