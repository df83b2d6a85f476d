package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
	"github.com/collectiverpc/collective/internal/chaos/ledger"
)

// double runs what there may be one of twice: an id, with the same key and with another, and a store.
func double(s *Stage) ([]Figure, error) {
	var parts []part
	for _, day := range []struct {
		name  string
		twice func(*mesh) (time.Duration, error)
	}{{"other_key", otherKey}, {"same_key", sameKey}, {"store", sameStore}} {
		p, err := s.part(day.name, func(s *Stage) ([]Figure, error) { return twice(s, day.twice) })
		if err != nil {
			return joined(parts), err
		}
		parts = append(parts, p)
	}
	return joined(parts), nil
}

// never is the time of what was not named.
const never = 5 * time.Second

func twice(s *Stage, day func(*mesh) (time.Duration, error)) ([]Figure, error) {
	control, took := 3*time.Second, 8*time.Second
	if s.Short {
		control, took = 1500*time.Millisecond, 4*time.Second
	}
	m, err := s.mesh(host.Config{}, host.Config{})
	if err != nil {
		return nil, err
	}
	p := usual(took)
	p.Phases[0].Rate = 200
	l, err := m.load(p)
	if err != nil {
		return nil, err
	}
	l.reach(control)
	named, err := day(m)
	if err != nil {
		return nil, err
	}
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	final := all.Where(func(o *ledger.Outcome) bool { return !o.OK() && o.Code != "unavailable" })
	return append(s.judged(all, l.control(all, control), seconds("f11_named_seconds", named),
		count("f11_final_answers", final.Len())), truth("f11", all)...), nil
}

// otherKey starts a second b that was set up by itself.
func otherKey(m *mesh) (time.Duration, error) { return m.secondB("x.db") }

// sameKey starts a second b with a copy of the first one's store, as a copied machine has it.
func sameKey(m *mesh) (time.Duration, error) {
	for _, suffix := range []string{"", "-wal", "-shm", ".key"} {
		text, err := os.ReadFile(filepath.Join(m.dir, "b.db"+suffix))
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(m.dir, "x.db"+suffix), text, 0o600); err != nil {
			return 0, err
		}
	}
	return m.secondB("x.db")
}

// secondB starts another process that says to be b, and answers after what time the front and one of the two name it.
func (m *mesh) secondB(store string) (time.Duration, error) {
	site, err := m.site("x")
	if err != nil {
		return 0, err
	}
	second, err := m.serve(site, "b", store, "x", "a")
	if err != nil {
		return 0, err
	}
	began := time.Now()
	named := func(p *Process) bool {
		text, err := os.ReadFile(p.log)
		return err == nil && slices.ContainsFunc([]string{"in use", "is used by", "has changed"}, func(word string) bool {
			return strings.Contains(string(text), word)
		})
	}
	for ; time.Since(began) < never; m.pause(10 * time.Millisecond) {
		if named(m.fronts["a"]) && (named(second) || named(m.hosts["b"])) {
			return time.Since(began), nil
		}
	}
	return never, nil
}

// sameStore starts a second a on the store of the first: it has to go, and to say which process is there.
func sameStore(m *mesh) (time.Duration, error) {
	site, err := m.site("x")
	if err != nil {
		return 0, err
	}
	began := time.Now()
	_, err = m.serve(site, "a", "a.db", "x", "b")
	if owner := fmt.Sprintf("process %d ", m.fronts["a"].cmd.Process.Pid); err != nil && strings.Contains(err.Error(), owner) {
		return time.Since(began), nil
	}
	return never, nil
}
