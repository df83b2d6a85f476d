package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// yield is what one operation moved.
type yield struct{ calls, bytes int }

// operation is one call, or one whole stream, by one caller.
type operation func(ctx context.Context) (yield, error)

// tally is what one caller did in a round. Its memory is used again in the next, so that measuring stays cheap.
type tally struct {
	yield
	latencies []time.Duration
}

// runRound lets every caller repeat op, as fast as it is answered, until the time is over, and measures the process.
func runRound(ctx context.Context, op operation, tallies []tally, length time.Duration) (sample, error) {
	runtime.GC()
	cpu, start := cpuTime(), time.Now()
	deadline := start.Add(length)
	group, ctx := errgroup.WithContext(ctx)
	for i := range tallies {
		group.Go(func() error { return tallies[i].repeat(ctx, op, deadline) })
	}
	if err := group.Wait(); err != nil {
		return sample{}, err
	}
	return summarize(tallies, time.Since(start), cpuTime()-cpu), nil
}

func (t *tally) repeat(ctx context.Context, op operation, deadline time.Time) error {
	t.yield, t.latencies = yield{}, t.latencies[:0]
	for now := time.Now(); now.Before(deadline); {
		moved, err := op(ctx)
		if err != nil {
			return fmt.Errorf("a call failed under load: %w", err)
		}
		end := time.Now()
		t.latencies = append(t.latencies, end.Sub(now))
		t.calls += moved.calls
		t.bytes += moved.bytes
		now = end
	}
	return nil
}

func summarize(tallies []tally, elapsed, cpu time.Duration) sample {
	s := sample{Elapsed: elapsed, CPU: cpu}
	var all []time.Duration
	for _, t := range tallies {
		s.Calls += t.calls
		s.Bytes += t.bytes
		all = append(all, t.latencies...)
	}
	slices.Sort(all)
	s.P50, s.P99 = percentile(all, 0.50), percentile(all, 0.99)
	return s
}
