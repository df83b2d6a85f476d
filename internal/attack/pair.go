package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
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
	way  *recorder // by which b dials a; nil for none
	made atomic.Int64
}

func (s *Stage) pair(m mode) (*pair, error) {
	p := &pair{mode: m, http: &http.Client{Transport: &http.Transport{TLSClientConfig: m.client, MaxIdleConnsPerHost: 8}}}
	if err := p.startA(s, "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if m.dial == nil { // what is encrypted cannot be recorded
		var err error
		if p.way, err = newRecorder(s, p.a.Address); err != nil {
			return nil, err
		}
	}
	if err := p.startB(s); err != nil {
		return nil, err
	}
	if !s.until(20*time.Second, func() bool { return p.call(s.ctx) == "b" }) {
		return nil, fmt.Errorf("mode %s: a and b do not link\n%s%s", m.name, p.a.log, p.b.log)
	}
	return p, nil
}

func (p *pair) startA(s *Stage, address string) (err error) {
	args := []string{"--id", "a", "--listen", address, "--db", "a-" + p.name + ".db", "--ns", "orders"}
	p.a, err = s.serve(append(args, p.args("a")...)...)
	return err
}

func (p *pair) startB(s *Stage) (err error) {
	to := p.a.Address
	if p.way != nil {
		to = p.way.address
	}
	args := []string{"--id", "b", "--listen", "127.0.0.1:0", "--db", "b-" + p.name + ".db", "--example", "orders", "--join", to}
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

// during makes calls while something is done again and again, and returns how many each collector ran.
func (p *pair) during(s *Stage, calls int, again func(context.Context)) map[string]int {
	ctx, stop := context.WithCancel(s.ctx)
	var attack, callers sync.WaitGroup
	attack.Go(func() {
		for ctx.Err() == nil {
			again(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	s.pause(500 * time.Millisecond) // the first attempt comes before the first call
	const concurrent = 8
	var mu sync.Mutex
	ran := make(map[string]int)
	for i := range concurrent {
		callers.Go(func() {
			for n := i; n < calls && s.ctx.Err() == nil; n += concurrent {
				by := p.call(s.ctx)
				p.made.Add(1)
				mu.Lock()
				ran[by]++
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	stop()
	attack.Wait()
	return ran
}

// attacked makes calls while a stranger links again and again, and returns how many it got.
func (p *pair) attacked(s *Stage, thief *stranger, calls int) int64 {
	before := thief.taken.calls.Load()
	p.during(s, calls, func(ctx context.Context) { _ = thief.link(ctx, p.a) })
	return thief.taken.calls.Load() - before
}

// answers waits until b runs the calls of a again.
func (p *pair) answers(s *Stage) error {
	if s.until(30*time.Second, func() bool { return p.call(s.ctx) == "b" }) {
		return nil
	}
	return fmt.Errorf("mode %s: b does not get its calls back\n%s%s", p.name, p.a.log, p.b.log)
}
