package main

import (
	"math/rand/v2"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
)

// killed kills the hosts in turn at random moments, and starts them again: what is lost is what cannot be repeated.
func killed(s *Stage) ([]Figure, error) { return s.whole(kill) }

func kill(s *Stage) ([]Figure, error) {
	const between = 6500 * time.Millisecond // with ten in that time, 0.2 % are what is under way then
	control, times := 5*time.Second, 10
	if s.Short {
		control, times = 2*time.Second, 2
	}
	m, err := s.mesh(host.Config{}, host.Config{})
	if err != nil {
		return nil, err
	}
	p := usual(control + time.Duration(times)*between + time.Second)
	p.Writes, p.Work = 500, 5*time.Millisecond
	l, err := m.load(p)
	if err != nil {
		return nil, err
	}
	for i := range times {
		l.reach(control + time.Duration(i)*between + rand.N(between/2))
		victim := []string{"b", "c"}[i%2]
		m.hosts[victim].kill()
		if err := m.again(victim); err != nil {
			return nil, err
		}
	}
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	return append(s.judged(all, l.control(all, control),
		count("f1_idempotent_failed", all.Reads().Failed()),
		percent("f1_other_failed_percent", all.Writes().Failed(), all.Writes().Len()),
		count("f1_lies", all.Lies().Len())), truth("f1", all)...), nil
}
