package main

import (
	"fmt"
	"syscall"
)

// takeover counts the calls that somebody gets who is not b, in each mode: while b lives, while its process is stopped, after
// both have restarted, and with what was recorded, passed on, or has expired.
func takeover(s *Stage) ([]Figure, error) {
	all, missing, err := modes(s)
	if err != nil {
		return nil, err
	}
	missingModes(s, "takeover_calls", missing)
	var parts []Figure
	for _, m := range all {
		of, err := takeOver(s, m)
		parts = append(parts, of...)
		if err != nil {
			return parts, err
		}
	}
	return sum("takeover_calls", "calls", parts), nil
}

// theft is one kind of takeover: it makes so many calls, and returns how many the thief got.
type theft struct {
	name string
	run  func(s *Stage, p *pair, calls int) (int64, error)
}

func thefts(m mode) []theft {
	kinds := []theft{{"asleep", whileAsleep}, {"restarted", afterRestart}}
	if m.dial == nil {
		kinds = append(kinds, theft{"replayed", replayed})
	} else {
		kinds = append(kinds, theft{"relayed", relayed})
	}
	if m.expiring != nil {
		kinds = append(kinds, theft{"expired", expired})
	}
	return kinds
}

// takeOver tries all kinds in one mode, each against the same two collectors; while b lives are the calls that are left.
func takeOver(s *Stage, m mode) (parts []Figure, err error) {
	calls, each := 10_000, 800
	if s.Short {
		calls, each = 400, 40
	}
	p, err := s.pair(m)
	if err != nil {
		return nil, err
	}
	defer func() { p.a.kill() }()
	defer func() { p.b.kill() }()
	for _, kind := range append(thefts(m), theft{"awake", whileAwake}) {
		if kind.name == "awake" {
			each = calls - int(p.made.Load())
		}
		got, err := kind.run(s, p, each)
		parts = append(parts, Figure{Name: "takeover_calls/" + m.name + "_" + kind.name, Value: float64(got), Unit: "calls"})
		if err != nil {
			return parts, fmt.Errorf("%s: %w", kind.name, err)
		}
		if err := p.answers(s); err != nil {
			return parts, fmt.Errorf("after %s: %w", kind.name, err)
		}
	}
	fmt.Fprintf(s.out, "# mode %s: %d calls were made\n", m.name, p.made.Load())
	return parts, nil
}

// whileAwake tries all that a stranger may have.
func whileAwake(s *Stage, p *pair, calls int) (taken int64, err error) {
	for _, attempt := range p.attempts {
		thief, err := newStranger("b", p.dial, attempt...)
		if err != nil {
			return taken, err
		}
		taken += p.attacked(s, thief, calls/len(p.attempts)+1)
		thief.leave()
	}
	return taken, nil
}

// whileAsleep does so while the process of b is stopped: it answers nobody, and has not gone.
func whileAsleep(s *Stage, p *pair, calls int) (taken int64, err error) {
	if err := p.b.Process.Signal(syscall.SIGSTOP); err != nil {
		return 0, err
	}
	defer func() { _ = p.b.Process.Signal(syscall.SIGCONT) }()
	return whileAwake(s, p, calls)
}

// afterRestart does so after a and b were killed, and a has come back before b: what it knows of b is on its disk.
func afterRestart(s *Stage, p *pair, calls int) (taken int64, err error) {
	p.b.kill()
	p.a.kill()
	if err := p.startA(s, p.a.Address); err != nil {
		return 0, err
	}
	taken, err = whileAwake(s, p, calls)
	if err != nil {
		return taken, err
	}
	return taken, p.startB(s)
}
