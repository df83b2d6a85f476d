package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/collectiverpc/collective/mesh"
)

// createOrder is the method whose calls are worth having.
const createOrder = "/shop.v1.OrderService/CreateOrder"

// pair is two collectors that are linked: b serves orders, and a is called.
type pair struct {
	mode
	a, b *Target
	http *http.Client
}

func (s *Stage) pair(m mode) (*pair, error) {
	p := &pair{mode: m, http: &http.Client{Transport: &http.Transport{TLSClientConfig: m.client, MaxIdleConnsPerHost: 8}}}
	var err error
	base := []string{"--listen", "127.0.0.1:0", "--db", "memory", "--ns", "orders"}
	if p.a, err = s.serve(append(append([]string{"--id", "a"}, base...), m.args("a")...)...); err != nil {
		return nil, err
	}
	if err := p.startB(s); err != nil {
		return nil, err
	}
	if !s.until(20*time.Second, func() bool { return p.call(s.ctx) == "b" }) {
		return nil, fmt.Errorf("mode %s: a and b do not link\n%s%s", m.name, p.a.log, p.b.log)
	}
	return p, nil
}

func (p *pair) startB(s *Stage) (err error) {
	args := []string{"--id", "b", "--listen", "127.0.0.1:0", "--db", "b-" + p.name + ".db", "--example", "orders", "--join", p.a.Address}
	p.b, err = s.serve(append(args, p.args("b")...)...)
	return err
}

// call calls a, with a credential, and returns which collector ran it; empty for none.
func (p *pair) call(ctx context.Context) (executor string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.a.URL+createOrder, bytes.NewReader([]byte(`{"sku":"tea","qty":1}`)))
	if err != nil {
		return ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Basic c2VjcmV0OnNlY3JldA==")
	res, err := p.http.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	if res.StatusCode != http.StatusOK {
		return ""
	}
	return res.Header.Get(mesh.HeaderExecutor)
}

// takeover counts the calls that a stranger gets who says to be b: while b lives, and while it is gone.
func takeover(s *Stage) ([]Figure, error) {
	all, missing, err := modes(s)
	if err != nil {
		return nil, err
	}
	missingModes(s, "takeover_calls", missing)
	calls := 10_000
	if s.Short {
		calls = 500
	}
	var parts []Figure
	for _, m := range all {
		awake, asleep, err := takeOver(s, m, calls)
		if err != nil {
			return parts, err
		}
		parts = append(parts, Figure{Name: "takeover_calls/" + m.name, Value: float64(awake), Unit: "calls"},
			Figure{Name: "takeover_calls/" + m.name + "_asleep", Value: float64(asleep), Unit: "calls"})
	}
	return sum("takeover_calls", "calls", parts), nil
}

func takeOver(s *Stage, m mode, calls int) (awake, asleep int64, err error) {
	p, err := s.pair(m)
	if err != nil {
		return 0, 0, err
	}
	defer p.a.kill()
	defer func() { p.b.kill() }()
	for _, attempt := range m.attempts {
		thief, err := newStranger("b", m.dial, attempt...)
		if err != nil {
			return 0, 0, err
		}
		got := p.attacked(s, thief, calls/len(m.attempts))
		thief.leave()
		awake += got
	}
	if !s.until(20*time.Second, func() bool { return p.call(s.ctx) == "b" }) {
		fmt.Fprintf(s.out, "# %s: b does not answer any more after the attack\n", m.name)
	}
	p.b.kill()
	thief, err := newStranger("b", m.dial, m.attempts[len(m.attempts)-1]...)
	if err != nil {
		return 0, 0, err
	}
	defer thief.leave()
	return awake, p.attacked(s, thief, 20), nil
}

// attacked makes calls while a stranger links again and again, and returns how many it got.
func (p *pair) attacked(s *Stage, thief *stranger, calls int) int64 {
	ctx, stop := context.WithCancel(s.ctx)
	var links, callers sync.WaitGroup
	links.Go(func() {
		for ctx.Err() == nil {
			_ = thief.link(ctx, p.a)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	s.pause(500 * time.Millisecond) // the first attempt comes before the first call
	const concurrent = 4
	for range concurrent {
		callers.Go(func() {
			for i := 0; i < calls/concurrent && s.ctx.Err() == nil; i++ {
				p.call(s.ctx)
			}
		})
	}
	callers.Wait()
	stop()
	links.Wait()
	return thief.taken.calls.Load()
}

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
