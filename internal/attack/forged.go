package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// replay sends what was recorded once more, on a connection of its own, and returns how many calls come back.
func replay(ctx context.Context, address string, sent string) (calls int64) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	go func() { _, _ = io.Copy(c, bytes.NewReader([]byte(sent))) }()
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	reader := newFrameReader(c)
	if _, err := reader.head(); err != nil {
		return 0
	}
	for {
		frame, err := reader.frame()
		if err != nil {
			return calls
		}
		if opens(frame) {
			calls++
		}
	}
}

// replayed is while b is gone, and somebody sends to a what b had sent, proof and all.
func replayed(s *Stage, p *pair, calls int) (taken int64, err error) {
	p.b.kill()
	p.way.mu.Lock()
	recorded := p.way.sent
	p.way.mu.Unlock()
	if len(recorded) == 0 {
		return 0, errors.New("nothing was recorded")
	}
	p.during(s, calls, func(ctx context.Context) {
		for _, sent := range recorded {
			taken += replay(ctx, p.a.Address, sent.String())
		}
	})
	return taken, p.startB(s)
}

// relayed is while b is gone, and a collector of the mesh that dials somebody is passed on to a, from one TLS connection to
// another: whoever did that could read and change what crosses. A call that this collector runs is lost to the one in between.
func relayed(s *Stage, p *pair, calls int) (taken int64, err error) {
	p.b.kill()
	between, err := tls.Listen("tcp", "127.0.0.1:0", p.own)
	if err != nil {
		return 0, err
	}
	dialer := &tls.Dialer{Config: p.own}
	passOn(s, between, func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", p.a.Address) },
		func() io.Writer { return io.Discard })
	args := []string{"--id", "r", "--listen", "127.0.0.1:0", "--db", "memory", "--example", "orders", "--join", between.Addr().String()}
	r, err := s.serve(append(args, p.args("r")...)...)
	if err != nil {
		return 0, err
	}
	defer r.kill()
	ran := p.during(s, calls, func(context.Context) {})
	return int64(ran["r"]), p.startB(s)
}

// expired is while b is gone, and somebody has a certificate of b that expires while it is linked. As long as the certificate is
// good its holder is b; what counts is what it gets afterwards.
func expired(s *Stage, p *pair, calls int) (taken int64, err error) {
	p.b.kill()
	config, ends, err := p.expiring(10 * time.Second)
	if err != nil {
		return 0, err
	}
	thief, err := newStranger("b", config)
	if err != nil {
		return 0, err
	}
	defer thief.leave()
	if err := thief.link(s.ctx, p.a); err != nil {
		return 0, err
	}
	if !s.until(time.Until(ends), func() bool { p.call(s.ctx); return thief.taken.calls.Load() > 0 }) {
		return 0, errors.New("the holder of a good certificate of b gets no calls: what follows would show nothing")
	}
	s.pause(time.Until(ends) + 2*time.Second)
	return p.attacked(s, thief, calls), p.startB(s)
}
