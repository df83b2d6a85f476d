package main

import (
	"fmt"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/load"
)

// overload asks for three times what the hosts can do: 200 calls a second, by ten workers that need 50 ms for each.
func overload(s *Stage) ([]Figure, error) { return s.whole(overloaded) }

func overloaded(s *Stage) ([]Figure, error) {
	const capacity, workers = 200.0, 5
	control, fault, after := 5*time.Second, 10*time.Second, 6*time.Second
	if s.Short {
		control, fault, after = 4*time.Second, 5*time.Second, 4*time.Second
	}
	m, err := s.mesh(host.Config{Workers: workers}, host.Config{Workers: workers})
	if err != nil {
		return nil, err
	}
	p := usual(0)
	p.Work, p.Timeout = 50*time.Millisecond, time.Second
	p.Phases = []load.Phase{{Rate: capacity / 4, For: control}, {Rate: 3 * capacity, For: fault}, {Rate: capacity / 4, For: after}}
	l, err := m.load(p)
	if err != nil {
		return nil, err
	}
	l.reach(control)
	memory := m.memory()
	l.reach(control + fault)
	grown := m.memory() - memory
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	before, within := l.control(all, control), l.window(all, control+time.Second, control+fault)
	done := float64(within.Answers().Len()) / (fault - time.Second).Seconds()
	over := l.began.Add(control + fault)
	fmt.Fprintf(s.out, "# %.0f of %.0f calls/s\n", done, capacity)
	return append(s.judged(all, before,
		Figure{Name: "f6_goodput_percent", Value: 100 * done / capacity, Unit: "percent"},
		ratio("f6_p99_ratio", within.Answers().P99(), before.P99()),
		seconds("f6_back_seconds", lastSuffered(all.Window(over, over.Add(after)), before, over, ofAll)),
		Figure{Name: "f6_grown_mib", Value: float64(grown >> 20), Unit: "MiB"}), truth("f6", all)...), nil
}

// memory is what all collectors of a mesh have of it, in bytes.
func (m *mesh) memory() (all int64) {
	for _, some := range []map[string]*Process{m.hosts, m.fronts} {
		for _, p := range some {
			all += p.memory()
		}
	}
	return all
}
