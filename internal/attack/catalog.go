package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// bigMethods are as many as a catalog may have.
const bigMethods = 100_000

// catalogs is how calls of others fare beside a peer that announces all its methods again and again, as fast as it is let: the
// target says when it may announce the next, and ends the link of who does not wait. So the peer costs this process next to
// nothing, and the control needs no peer that is as busy with something else: it is the same peer, linked, with as many methods
// announced, and silent.
//
// The figure is by how much calls of others are slower while a peer announces all its methods again and again than while it
// is silent, before and after; and how much of a processor and of memory that takes. A busy machine cannot tell the first, but
// the second.
func catalogs(s *Stage) ([]Figure, error) {
	a, err := s.serve("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users", "--ns", "orders")
	if err != nil {
		return nil, err
	}
	var encoded [2][]byte
	var method string
	for i := range encoded { // all methods differ, so that each announcement changes everything
		if encoded[i], method, err = bigCatalog("orders", bigMethods, fmt.Sprint(i)); err != nil {
			return nil, err
		}
	}
	before := a.memory("VmRSS")
	peer, err := newAnnouncer(s.ctx, "loud", a, "orders")
	if err != nil {
		return nil, fmt.Errorf("linking: %w", err)
	}
	s.defers(func() { peer.Close("over") })
	if err := peer.announce(s.ctx, encoded[1]); err != nil {
		return nil, fmt.Errorf("announcing: %w", err)
	}
	if !s.until(patience, func() bool { return peer.called(s.ctx, a, method) }) {
		return nil, fmt.Errorf("the methods that were announced are not called\n%s", a.log)
	}
	span := 20 * time.Second
	if s.Short {
		span = 4 * time.Second
	}
	next := 0
	silent := func(context.Context) error { return nil }
	loud := func(ctx context.Context) error { next++; return peer.announce(ctx, encoded[next%2]) }
	control := latencies(s, a, span/2, silent)
	attacked := latencies(s, a, span, loud)
	used := a.cpu()
	s.beside(span, loud, func() { s.pause(200 * time.Millisecond); _ = callOnce(s.ctx, a, patience) })
	used = a.cpu() - used
	s.beside(2*time.Second, silent, func() { s.pause(100 * time.Millisecond) }) // until it is done with the last
	control = append(control, latencies(s, a, span/2, silent)...)
	if err := peer.Err(); err != nil {
		fmt.Fprintf(s.out, "# the link of the peer has ended: %v\n", err)
	}
	fmt.Fprintf(s.out, "# p99 %v in %d calls while the peer announced, %d times in all, %v in %d while it was silent\n",
		p99(attacked), len(attacked), next, p99(control), len(control))
	ratio := Figure{Name: "catalog_p99_ratio", Value: float64(p99(attacked)) / float64(max(p99(control), time.Microsecond)), Unit: "ratio"}
	if p99(control) > quietP99 {
		ratio.Busy = fmt.Sprintf("p99 of the control is %v", p99(control))
	}
	return []Figure{
		ratio, {Name: "catalog_cpu", Value: used.Seconds() / span.Seconds(), Unit: "cores"},
		{Name: "catalog_rss", Value: float64(a.memory("VmHWM") - before), Unit: "bytes"},
	}, nil
}

// quietP99 is the most that calls on a connection of their own take on a machine that has nothing else to do, several times over.
const quietP99 = 10 * time.Millisecond

// latencies are those of calls to a target while something is done again and again.
func latencies(s *Stage, a *Target, span time.Duration, loud func(context.Context) error) (took []time.Duration) {
	s.beside(span, loud, func() {
		began := time.Now()
		if callOnce(s.ctx, a, patience) == nil {
			took = append(took, time.Since(began))
		}
	})
	return took
}

// beside does one thing after the other while something is done again and again.
func (s *Stage) beside(span time.Duration, loud func(context.Context) error, do func()) {
	ctx, stop := context.WithTimeout(s.ctx, span)
	defer stop()
	var attack sync.WaitGroup
	attack.Go(func() {
		for ctx.Err() == nil && loud(ctx) == nil {
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	for ctx.Err() == nil {
		do()
	}
	attack.Wait()
}

func p99(took []time.Duration) time.Duration {
	if len(took) == 0 {
		return patience
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}
