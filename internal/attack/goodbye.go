package main

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// authLeaked counts the credentials of callers that reach a collector which has not proved who it is: under an id of its
// own, and under that of one that the target had dialled and trusts.
func authLeaked(s *Stage) ([]Figure, error) {
	own, err := leaked(s, "thief", false)
	if err != nil {
		return nil, err
	}
	trusted, err := leaked(s, "b", true)
	if err != nil {
		return nil, err
	}
	return sum("auth_leaked", "headers", []Figure{
		{Name: "auth_leaked/own_id", Value: float64(own), Unit: "headers"}, {Name: "auth_leaked/trusted_id", Value: float64(trusted), Unit: "headers"},
	}), nil
}

// leaked has a thief with an id link with a; b is a collector that a has dialled, if there is one.
func leaked(s *Stage, id string, dialled bool) (int64, error) {
	args := []string{"--id", "a", "--listen", "127.0.0.1:0", "--db", "memory", "--ns", "orders"}
	p := &pair{http: new(http.Client)}
	var err error
	if dialled {
		p.b, err = s.serve("--id", "b", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders")
		if err != nil {
			return 0, err
		}
		args = append(args, "--join", p.b.Address)
	}
	if p.a, err = s.serve(args...); err != nil {
		return 0, err
	}
	if dialled && !s.until(20*time.Second, func() bool { return p.call(s.ctx) == "b" }) {
		return 0, errors.New("a and b do not link")
	}
	thief, err := newStranger(id, nil)
	if err != nil {
		return 0, err
	}
	defer thief.leave()
	calls := p.attacked(s, thief, 200)
	fmt.Fprintf(s.out, "# %s ran %d calls\n", id, calls)
	return thief.taken.headers.Load(), nil
}

// goodbye counts how often b stays away from a after a stranger said goodbye in its name.
func goodbye(s *Stage) ([]Figure, error) {
	all, missing, err := modes(s)
	if err != nil {
		return nil, err
	}
	missingModes(s, "goodbye_severed", missing)
	times := 10
	if s.Short {
		times = 2
	}
	var parts []Figure
	for _, m := range all {
		severed, err := sayGoodbye(s, m, times)
		if err != nil {
			return parts, err
		}
		parts = append(parts, Figure{Name: "goodbye_severed/" + m.name, Value: float64(severed), Unit: "links"})
	}
	return sum("goodbye_severed", "links", parts), nil
}

func sayGoodbye(s *Stage, m mode, times int) (severed int, err error) {
	p, err := s.pair(m)
	if err != nil {
		return 0, err
	}
	defer p.a.kill()
	defer p.b.kill()
	for i := range times {
		for _, attempt := range [][]string{{p.a.Address}, {p.b.Address}} { // in the name of b to a, and of a to b
			id, to := "b", p.a
			if attempt[0] == p.b.Address {
				id, to = "a", p.b
			}
			liar, err := newStranger(id, m.dial, m.attempts[i%len(m.attempts)]...)
			if err != nil {
				return severed, err
			}
			if err := liar.link(s.ctx, to); err != nil {
				fmt.Fprintf(s.out, "# %s: linking as %s: %v\n", m.name, id, err)
			}
			liar.disconnect(s.ctx)
			liar.leave()
		}
		s.pause(time.Second) // what a goodbye ends may be on its way to its end
		if !s.until(15*time.Second, func() bool { return p.call(s.ctx) == "b" }) {
			return times - i, nil // it never comes back: so it is for the rest
		}
	}
	return 0, nil
}
