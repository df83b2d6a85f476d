package main

import (
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
)

// failing makes a host fail its calls at once, with each of the codes that say that something is wrong with it.
func failing(s *Stage) ([]Figure, error) {
	var parts []part
	for _, code := range []string{"unavailable", "internal"} {
		p, err := s.part(code, func(s *Stage) ([]Figure, error) { return fail(s, code) })
		if err != nil {
			return joined(parts), err
		}
		parts = append(parts, p)
	}
	return joined(parts), nil
}

func fail(s *Stage, code string) ([]Figure, error) {
	control, fault := 4*time.Second, 12*time.Second
	if s.Short {
		control, fault = 3*time.Second, 4*time.Second
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
	if err := m.hosts["b"].tell("fail " + code); err != nil {
		return nil, err
	}
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	within, after := l.window(all, control, control+fault), l.window(all, control+time.Second, control+fault)
	return append(s.judged(all, l.control(all, control),
		percent("f5_failed_percent", within.Failed(), within.Len()),
		percent("f5_failed_after_1s_percent", after.Failed(), after.Len())), truth("f5", all)...), nil
}
