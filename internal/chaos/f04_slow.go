package main

import (
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
)

// slow makes a host two seconds slower: the others have to take its calls before it has any from which to tell.
func slow(s *Stage) ([]Figure, error) { return s.whole(slowed) }

func slowed(s *Stage) ([]Figure, error) {
	const noticed = 2 * time.Second
	control, fault := 6*time.Second, 12*time.Second
	if s.Short {
		control, fault = 4*time.Second, 7*time.Second
	}
	m, err := s.mesh(host.Config{}, host.Config{})
	if err != nil {
		return nil, err
	}
	l, err := m.load(usual(control + fault))
	if err != nil {
		return nil, err
	}
	l.reach(control)
	if err := m.hosts["b"].tell("slow 2s"); err != nil {
		return nil, err
	}
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	before, after := l.control(all, control), l.window(all, control+noticed, control+fault)
	slow, runs := all.Share("b", l.began.Add(control+noticed), l.began.Add(control+fault))
	return append(s.judged(all, before,
		percent("f4_share_percent", slow, runs),
		ratio("f4_p99_ratio", after.P99(), before.P99())), truth("f4", all)...), nil
}
