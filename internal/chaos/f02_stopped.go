package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/ledger"
	"github.com/collectiverpc/collective/internal/chaos/load"
)

// stopped stops hosts and fronts in order while they are called, and starts them again: nobody must see it. Clients know two
// fronts, as those of a rolling update do.
func stopped(s *Stage) ([]Figure, error) {
	var parts []part
	for _, day := range []struct {
		name string
		of   []string
	}{{"host", []string{"b", "c"}}, {"front", []string{"a"}}, {"rolling", []string{"b", "c", "a", "d", "b", "c", "a", "d"}}} {
		if s.Short && day.name != "rolling" {
			continue
		}
		if s.Short {
			day.of = day.of[1:3]
		}
		p, err := s.part(day.name, func(s *Stage) ([]Figure, error) { return stop(s, day.of) })
		if err != nil {
			return joined(parts), err
		}
		parts = append(parts, p)
	}
	return joined(parts), nil
}

// stopping is a process that was told to stop.
type stopping struct {
	id         string
	front      bool
	told, over time.Time
}

func stop(s *Stage, of []string) ([]Figure, error) {
	const control, between = 3 * time.Second, 2500 * time.Millisecond
	m, err := s.mesh(host.Config{}, host.Config{})
	if err != nil {
		return nil, err
	}
	if err := m.front("d", "b", "c"); err != nil {
		return nil, err
	}
	p := usual(control + time.Duration(len(of))*between + time.Second)
	p.Clients = append(p.Clients, "connect-go") // of HTTP/1.1
	p.Fronts = []load.Front{{Name: "a", Address: m.sites["a"].Dial()}, {Name: "d", Address: m.sites["d"].Dial()}}
	p.Long, p.LongWork = 30, 400*time.Millisecond // so that calls are under way whenever it is
	l, err := m.loadFrom("clients", p)
	if err != nil {
		return nil, err
	}
	js, err := m.loadByNode("clients", p)
	if err != nil {
		return nil, err
	}
	var stops []stopping
	for i, id := range of {
		l.reach(control + time.Duration(i)*between)
		stopped, err := m.restart(id)
		if err != nil {
			return nil, err
		}
		stops = append(stops, stopped)
	}
	if js != nil {
		if err := js.wait(); err != nil {
			return nil, err
		}
	}
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	longest := time.Duration(0)
	for _, one := range stops {
		took := one.over.Sub(one.lastCall(all))
		fmt.Fprintf(s.out, "# %s ended %v after it was told, %v after its last call\n", one.id, one.over.Sub(one.told).Round(time.Millisecond), took.Round(time.Millisecond))
		longest = max(longest, took)
	}
	return append(s.judged(all, l.control(all, control), count("f2_failed", all.Failed()),
		seconds("f2_stop_seconds", longest)), truth("f2", all)...), nil
}

// restart tells a process to stop, waits for its end and starts it again.
func (m *mesh) restart(id string) (stopping, error) {
	front := m.fronts[id]
	p := front
	if p == nil {
		p = m.hosts[id]
	}
	one := stopping{id: id, front: front != nil, told: time.Now()}
	if err := p.signal(syscall.SIGTERM); err != nil {
		return one, err
	}
	select {
	case <-p.exited:
	case <-time.After(15 * time.Second):
		return one, errors.New(id + " does not stop")
	}
	if one.over = p.ended; one.front {
		return one, m.front(id, "b", "c")
	}
	return one, m.again(id)
}

// lastCall is when the last call ended that the process had, or when it was told if it had none.
func (one *stopping) lastCall(b *ledger.Book) time.Time {
	last := one.told
	if !one.front {
		if end := b.LastEnd(one.id, one.over); end.After(last) {
			last = end
		}
		return last
	}
	for _, o := range b.Outcomes {
		if end := time.Unix(0, o.Ended); o.Front == one.id && o.OK() && end.Before(one.over) && end.After(last) {
			last = end
		}
	}
	return last
}
