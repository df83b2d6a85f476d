package main

import (
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/ledger"
	"github.com/collectiverpc/collective/internal/chaos/network"
)

// poor has networks that carry what they are given, badly.
func poor(s *Stage) ([]Figure, error) {
	var parts []part
	for _, net := range []struct {
		name  string
		fault func(*mesh, time.Duration)
		of    func(*ledger.Book) *ledger.Book // which calls must not fail
	}{
		{"loss", lossy(network.Fault{Lost: 0.05}), func(b *ledger.Book) *ledger.Book { return b }},
		{"narrow", lossy(network.Fault{BitsPerSecond: 1_000_000}), func(b *ledger.Book) *ledger.Book { return b }},
		{"flap", flap, (*ledger.Book).Reads},
	} {
		p, err := s.part(net.name, func(s *Stage) ([]Figure, error) {
			all, figures, err := endure(s, net.fault)
			if err != nil {
				return nil, err
			}
			figures = append(figures, count("f8_failed", net.of(all.b).Failed()))
			return append(s.judged(all.b, all.control, figures...), truth("f8", all.b)...), nil
		})
		if err != nil {
			return joined(parts), err
		}
		parts = append(parts, p)
	}
	return joined(parts), nil
}

// endured is a book with its control.
type endured struct{ b, control *ledger.Book }

// lossy has the same fault all the time, between the front and both hosts.
func lossy(f network.Fault) func(*mesh, time.Duration) {
	return func(m *mesh, d time.Duration) {
		for _, host := range []string{"b", "c"} {
			m.sites[host].Cable().Both(f)
		}
		m.pause(d)
	}
}

// flap takes a host from the network and brings it back, every two seconds.
func flap(m *mesh, d time.Duration) {
	const every = 2 * time.Second
	for end := time.Now().Add(d); time.Until(end) > every; {
		m.sites["b"].Cable().Both(network.Fault{Lost: 1})
		m.pause(every)
		m.sites["b"].Cable().Both(network.Fault{})
		m.pause(every)
	}
}

func endure(s *Stage, fault func(*mesh, time.Duration)) (all endured, figures []Figure, err error) {
	control, took := 4*time.Second, 20*time.Second
	if s.Short {
		control, took = 2*time.Second, 5*time.Second
	}
	m, err := s.mesh(host.Config{}, host.Config{})
	if err != nil {
		return all, nil, err
	}
	l, err := m.load(usual(control + took))
	if err != nil {
		return all, nil, err
	}
	l.reach(control)
	fault(m, time.Until(l.began.Add(control+took)))
	if all.b, err = l.book(); err != nil {
		return all, nil, err
	}
	all.control = l.control(all.b, control)
	within := l.window(all.b, control, control+took)
	return all, []Figure{ratio("f8_p99_ratio", within.P99(), all.control.P99())}, nil
}
