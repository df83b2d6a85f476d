package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// patience is how long a stuck connection is looked at. One that is still there then has this as its figure, or more.
const patience = 45 * time.Second

// stuck measures how long a collector keeps what will never go on, over both versions of HTTP.
func stuck(s *Stage) ([]Figure, error) {
	plain, secure, err := s.served("--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "users,orders")
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var figures []Figure
	var failed error
	var all sync.WaitGroup
	for _, target := range []*Target{plain, secure} {
		for _, way := range slices.Concat(stuckOverHTTP1(target), stuckOverHTTP2(target)) {
			all.Go(func() {
				took, err := stuckFor(s, target, way)
				mu.Lock()
				defer mu.Unlock()
				failed = errors.Join(failed, err)
				figures = append(figures, Figure{Name: "stuck_closed/" + target.named(way.name), Value: took.Seconds(), Unit: "s"})
			})
		}
	}
	all.Wait()
	return worst("stuck_closed", "s", figures), failed
}

// stuckFor is how long a collector keeps one.
func stuckFor(s *Stage, t *Target, way stuckWay) (time.Duration, error) {
	c, err := way.dial(s.ctx, t)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	err = way.stop(ctx, c)
	began := time.Now()
	if err != nil && t.holds(c) {
		return 0, err
	}
	for time.Since(began) < patience && t.holds(c) {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return time.Since(began), nil
}
