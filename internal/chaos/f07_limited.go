package main

import (
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/load"
)

// limited has a host that takes four calls at once, where it would have thirty: the other one has room for all.
func limited(s *Stage) ([]Figure, error) { return s.whole(limit) }

func limit(s *Stage) ([]Figure, error) {
	const control = 3 * time.Second
	fault := 10 * time.Second
	if s.Short {
		fault = 5 * time.Second
	}
	m, err := s.mesh(host.Config{MaxCalls: 4}, host.Config{})
	if err != nil {
		return nil, err
	}
	p := usual(control)
	p.Phases = []load.Phase{{Rate: 20, For: control}, {Rate: 600, For: fault}} // two calls at a time, then sixty
	p.Work = 100 * time.Millisecond
	l, err := m.load(p)
	if err != nil {
		return nil, err
	}
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	within := l.window(all, control, control+fault)
	return append(s.judged(all, l.control(all, control), count("f7_failed", within.Failed())), truth("f7", all)...), nil
}
