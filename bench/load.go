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
	before := takeReading()
	deadline := before.at.Add(length)
	group, ctx := errgroup.WithContext(ctx)
	for i := range tallies {
		group.Go(func() error { return tallies[i].repeat(ctx, op, deadline) })
	}
	if err := group.Wait(); err != nil {
		return sample{}, err
	}
	return summarize(tallies, before.until(takeReading())), nil
}

// repeat does at least one operation, however late it comes to it.
//
// Its context is its own: callers that derived the contexts of their calls from one would wait for each other in it.
func (t *tally) repeat(ctx context.Context, op operation, deadline time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.yield, t.latencies = yield{}, t.latencies[:0]
	for now := time.Now(); now.Before(deadline) || len(t.latencies) == 0; {
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

func summarize(tallies []tally, s sample) sample {
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

// reading is what the meters of the process show. Reading the memory stops the process for some microseconds.
type reading struct {
	at     time.Time
	cpu    time.Duration
	memory runtime.MemStats
}

func takeReading() reading {
	r := reading{at: time.Now(), cpu: cpuTime()}
	runtime.ReadMemStats(&r.memory)
	return r
}

// until answers what happened between two readings.
func (r reading) until(later reading) sample {
	return sample{
		Elapsed: later.at.Sub(r.at),
		CPU:     later.cpu - r.cpu,
		Allocs:  int(later.memory.Mallocs - r.memory.Mallocs),
		Garbage: int(later.memory.TotalAlloc - r.memory.TotalAlloc),
	}
}
