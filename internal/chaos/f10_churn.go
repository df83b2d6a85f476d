package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/host"
)

// churn has a front with 200 peers whose catalogs change a thousand times in a second.
func churn(s *Stage) ([]Figure, error) { return s.whole(change) }

func change(s *Stage) ([]Figure, error) {
	const control = 4 * time.Second
	fault, peers := 15*time.Second, 200
	if s.Short {
		fault = 5 * time.Second
	}
	m, err := s.mesh(host.Config{}, host.Config{})
	if err != nil {
		return nil, err
	}
	crowd, err := m.crowd(peers)
	if err != nil {
		return nil, err
	}
	l, err := m.load(usual(control + fault))
	if err != nil {
		return nil, err
	}
	l.reach(time.Second)
	if err := crowd.tell("quiet " + (control - 2*time.Second).String()); err != nil {
		return nil, err
	}
	l.reach(control)
	used := m.fronts["a"].cpu()
	if err := crowd.tell("churn " + (fault - time.Second).String()); err != nil {
		return nil, err
	}
	l.reach(control + fault - time.Second)
	used = m.fronts["a"].cpu() - used
	all, err := l.book()
	if err != nil {
		return nil, err
	}
	visible, err := m.visible("churn")
	if err != nil {
		return nil, err
	}
	quiet, err := m.visible("quiet")
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.out, "# without changes %v, the front used %.2f cores during them\n", quiet, used.Seconds()/(fault-time.Second).Seconds())
	before, within := l.control(all, control), l.window(all, control, control+fault)
	figures := s.judged(all, before, count("f10_failed", all.Failed()), ratio("f10_p99_ratio", within.P99(), before.P99()),
		Figure{Name: "f10_visible_p99_ms", Value: float64(visible.Microseconds()) / 1000, Unit: "ms"})
	if last := &figures[len(figures)-1]; quiet > visibleMost/2 && last.Busy == "" {
		last.Busy = fmt.Sprintf("without changes new methods take up to %v", quiet)
	}
	return append(figures, truth("f10", all)...), nil
}

// visibleMost is after what time new methods should be visible. Where half of it is gone without changes, one cannot judge.
const visibleMost = 50 * time.Millisecond

// crowd starts the peers, linked to the front.
func (m *mesh) crowd(peers int) (*Process, error) {
	site, err := m.site("crowd")
	if err != nil {
		return nil, err
	}
	command, err := m.role("host")
	if err != nil {
		return nil, err
	}
	return m.spawn(site, "crowd", command, host.Config{ID: "crowd", Listen: site.Listen(), Ledger: m.dir, Secret: m.secret(), Crowd: peers, Join: m.sites["a"].Dial()})
}

// visible is after what time 99 of a hundred new methods could be called during a command to the crowd.
func (m *mesh) visible(during string) (time.Duration, error) {
	file, err := os.Open(filepath.Join(m.dir, host.VisibleFile(during)))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var all []time.Duration
	for lines := bufio.NewScanner(file); lines.Scan(); {
		nanoseconds, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			return 0, err
		}
		all = append(all, time.Duration(nanoseconds))
	}
	if len(all) == 0 {
		return 0, errors.New("no new method could be called")
	}
	slices.Sort(all)
	return all[len(all)*99/100], nil
}
