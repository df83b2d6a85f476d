package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/collectiverpc/collective/internal/chaos/ledger"
	"github.com/collectiverpc/collective/internal/chaos/load"
)

// usual is the load of most tests: 500 calls a second that may be repeated and 50 that may not, of work for 10 ms.
func usual(took time.Duration) load.Plan {
	return load.Plan{
		Clients: []string{"grpc-go", "connect-go-h2"}, Phases: []load.Phase{{Rate: 550, For: took}}, Before: []string{"b", "c"},
		Writes: 91, Timeout: 5 * time.Second, Work: 10 * time.Millisecond,
	}
}

// loading is a plan that is being carried out.
type loading struct {
	*Stage
	*Process
	plan  load.Plan
	began time.Time
}

// load starts to call the front a, from beside it.
func (m *mesh) load(p load.Plan) (*loading, error) {
	p.Fronts = []load.Front{{Name: "a", Address: m.sites["a"].Listen()}}
	return m.loadFrom("a", p)
}

// loadFrom starts to call from a site.
func (m *mesh) loadFrom(name string, p load.Plan) (*loading, error) {
	command, err := m.role("load")
	if err != nil {
		return nil, err
	}
	return m.loadBy(command, name, p)
}

// loadBy has a program carry out a plan.
func (m *mesh) loadBy(command *exec.Cmd, name string, p load.Plan) (*loading, error) {
	site, err := m.site(name)
	if err != nil {
		return nil, err
	}
	m.loads++
	own := fmt.Sprintf("load%d", m.loads)
	p.Number, p.Outcomes = m.loads, filepath.Join(m.dir, own+ledger.OutcomesSuffix)
	process, err := m.spawn(site, own, command, p)
	if err != nil {
		return nil, err
	}
	at, err := strconv.ParseInt(strings.TrimSpace(process.ready), 10, 64)
	return &loading{m.Stage, process, p, time.Unix(0, at)}, err
}

// reach waits until the load has come to a time after its beginning, and answers when that is.
func (l *loading) reach(after time.Duration) time.Time {
	at := l.began.Add(after)
	l.pause(time.Until(at))
	return at
}

// book waits for the end of a load and reads what was written, by all that have ended.
func (l *loading) book() (*ledger.Book, error) {
	if err := l.wait(); err != nil {
		return nil, err
	}
	return ledger.Read(l.dir)
}

// wait waits for the end of a load.
func (l *loading) wait() error {
	select {
	case <-l.exited:
	case <-l.ctx.Done():
		return l.ctx.Err()
	case <-time.After(time.Until(l.began) + l.plan.Took() + l.plan.Timeout + 10*time.Second):
		return fmt.Errorf("the load does not end\n%s", l.tail())
	}
	if !l.cmd.ProcessState.Success() {
		return fmt.Errorf("the load failed\n%s", l.tail())
	}
	return nil
}

// control is the part before the fault, without the first calls and those that were still under way when it came.
func (l *loading) control(b *ledger.Book, until time.Duration) *ledger.Book {
	const connecting, underWay = 500 * time.Millisecond, 500 * time.Millisecond
	return l.window(b, connecting, until-underWay)
}

// window is a part of the book by times after the beginning of the load.
func (l *loading) window(b *ledger.Book, from, to time.Duration) *ledger.Book {
	return b.Window(l.began.Add(from), l.began.Add(to))
}
