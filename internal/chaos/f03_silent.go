package main

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/ledger"
	"github.com/collectiverpc/collective/internal/chaos/network"
)

// silence is a way of a host to be heard of no more, without an end of its connections.
type silence struct {
	name       string
	begin, end func(*mesh) error
}

func silences() []silence {
	cable := func(set func(*network.Cable, network.Fault), lost float64) func(*mesh) error {
		return func(m *mesh) error { set(m.sites["b"].Cable(), network.Fault{Lost: lost}); return nil }
	}
	signal := func(what syscall.Signal) func(*mesh) error {
		return func(m *mesh) error { return m.hosts["b"].signal(what) }
	}
	return []silence{
		{"blackhole", cable((*network.Cable).Both, 1), cable((*network.Cable).Both, 0)},
		{"one_way_to", cable((*network.Cable).In, 1), cable((*network.Cable).In, 0)},
		{"one_way_from", cable((*network.Cable).Out, 1), cable((*network.Cable).Out, 0)},
		{"sigstop", signal(syscall.SIGSTOP), signal(syscall.SIGCONT)},
	}
}

// silent makes a host silent for some seconds, in each way.
func silent(s *Stage) ([]Figure, error) {
	var parts []part
	for _, way := range silences() {
		if s.Short && strings.HasPrefix(way.name, "one_way") {
			continue
		}
		p, err := s.part(way.name, func(s *Stage) ([]Figure, error) { return hush(s, way) })
		if err != nil {
			return joined(parts), err
		}
		parts = append(parts, p)
	}
	return joined(parts), nil
}

func hush(s *Stage, way silence) ([]Figure, error) {
	const control = 4 * time.Second
	fault, after := 7*time.Second, 3*time.Second
	if s.Short {
		fault, after = 4*time.Second, time.Second
	}
	m, err := s.mesh(host.Config{}, host.Config{})
	if err != nil {
		return nil, err
	}
	p := usual(control + fault + after)
	p.Writes = 200
	l, err := m.load(p)
	if err != nil {
		return nil, err
	}
	l.reach(control)
	began := time.Now()
	if err := way.begin(m); err != nil {
		return nil, err
	}
	l.reach(control + fault)
	if err := way.end(m); err != nil {
		return nil, err
	}
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	before := l.control(all, control)
	avoided := lastSuffered(all.Window(began, l.began.Add(control+fault)), before, began, ofSome)
	fmt.Fprintf(s.out, "# %s: of the others %d failed, %d of them begun before the fault\n", way.name, all.Writes().Failed(),
		all.Writes().Window(time.Time{}, began).Failed())
	return append(s.judged(all, before, count("f3_idempotent_failed", all.Reads().Failed()), seconds("f3_avoided_seconds", avoided)), truth("f3", all)...), nil
}

// Whose calls suffer, of the ten before or after one: of a host about half, of a machine that stood still all of them.
const (
	ofSome = 8
	ofAll  = 10
)

// lastSuffered is how long after a time the last call was planned that failed, or was much slower than the control, with no more
// than so many of its neighbours on either side.
func lastSuffered(b, control *ledger.Book, since time.Time, atMost int) time.Duration {
	most := max(3*control.P99(), 300*time.Millisecond)
	suffered := func(o ledger.Outcome) bool { return !o.OK() || o.Took() > most }
	among := func(some []ledger.Outcome) (n int) {
		for _, o := range some {
			if suffered(o) {
				n++
			}
		}
		return n
	}
	last, all := since.UnixNano(), b.Outcomes
	for i, o := range all {
		if suffered(o) && max(among(all[max(0, i-10):i]), among(all[i+1:min(len(all), i+11)])) <= atMost {
			last = max(last, o.Planned)
		}
	}
	return time.Duration(last - since.UnixNano())
}
