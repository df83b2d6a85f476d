package main

import (
	"syscall"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/ledger"
	"github.com/collectiverpc/collective/internal/chaos/load"
)

// away takes the only host from a front that is called all the time: whoever calls has to hear that it may come back.
func away(s *Stage) ([]Figure, error) {
	var parts []part
	for _, day := range []struct {
		name string
		run  func(*mesh) error
	}{{"stopped", stopOnly}, {"killed", killOnly}, {"front_restarts", restartFront}} {
		p, err := s.part(day.name, func(s *Stage) ([]Figure, error) { return callAway(s, day.run) })
		if err != nil {
			return joined(parts), err
		}
		parts = append(parts, p)
	}
	return joined(parts), nil
}

// gone is how long the host is away.
const gone = 1500 * time.Millisecond

// stopOnly stops the host in order, and starts it again.
func stopOnly(m *mesh) error {
	if err := m.hosts["b"].signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-m.hosts["b"].exited
	m.pause(gone)
	return m.again("b")
}

// killOnly kills the host, and starts it again.
func killOnly(m *mesh) error {
	m.hosts["b"].kill()
	m.pause(gone)
	return m.again("b")
}

// restartFront restarts the front while the host is away.
func restartFront(m *mesh) error {
	m.hosts["b"].kill()
	m.fronts["a"].kill()
	if err := m.front("a", "b"); err != nil {
		return err
	}
	m.pause(2 * gone)
	return m.again("b")
}

func callAway(s *Stage, run func(*mesh) error) ([]Figure, error) {
	control, took := 3*time.Second, 10*time.Second
	if s.Short {
		control, took = 1500*time.Millisecond, 6*time.Second
	}
	m, err := s.meshOfOne()
	if err != nil {
		return nil, err
	}
	p := usual(took)
	p.Phases, p.Before = []load.Phase{{Rate: 200, For: took}}, []string{"b"}
	l, err := m.load(p)
	if err != nil {
		return nil, err
	}
	l.reach(control)
	if err := run(m); err != nil {
		return nil, err
	}
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	final := all.Where(func(o *ledger.Outcome) bool { return !o.OK() && o.Code != "unavailable" })
	back := l.window(all, took-time.Second, took)
	return append(s.judged(all, l.control(all, control), count("f9_final_answers", final.Len()),
		count("f9_failed_at_the_end", back.Failed())), truth("f9", all)...), nil
}

// meshOfOne starts a front and one host.
func (s *Stage) meshOfOne() (*mesh, error) {
	m := s.empty()
	if err := m.host(host.Config{ID: "b"}); err != nil {
		return nil, err
	}
	return m, m.front("a", "b")
}
