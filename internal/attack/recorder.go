package main

import (
	"context"
	"io"
	"net"
	"sync"
)

// recorder is on the way between two collectors, and remembers what was sent to the one that was dialled.
type recorder struct {
	address string
	mu      sync.Mutex
	sent    []*transcript
}

func newRecorder(s *Stage, target string) (*recorder, error) {
	r := new(recorder)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.address = listener.Addr().String()
	passOn(s, listener, func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", target) }, r.begin)
	return r, nil
}

// begin returns where what a connection sends is written.
func (r *recorder) begin() io.Writer {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := new(transcript)
	r.sent = append(r.sent, t)
	return t
}

// passOn dials for each connection of a listener, and copies both ways until the attack is over.
func passOn(s *Stage, listener net.Listener, dial func(context.Context) (net.Conn, error), record func() io.Writer) {
	s.defers(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := dial(s.ctx)
			if err != nil {
				_ = c.Close()
				continue
			}
			go func() { _, _ = io.Copy(c, to); _ = c.Close() }()
			go func() { _, _ = io.Copy(to, io.TeeReader(c, record())); _ = to.Close() }()
		}
	}()
}
