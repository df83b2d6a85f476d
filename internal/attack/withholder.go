package main

import (
	"net"
	"sync"
)

// withholder is on the way between a peer and a target, and keeps the end of each message to itself once it is told to.
type withholder struct {
	address string
	mu      sync.Mutex
	on      bool
}

func (w *withholder) withhold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = true
}

func newWithholder(s *Stage, target string) (*withholder, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &withholder{address: listener.Addr().String()}
	s.defers(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			there, err := net.Dial("tcp", target)
			if err != nil {
				_ = c.Close()
				continue
			}
			go func() { pass(c, there); _ = c.Close() }()
			go func() { w.filter(there, c); _ = there.Close() }()
		}
	}()
	return w, nil
}

// pass copies as it comes.
func pass(to, from net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// filter copies the head of the upgrade, and then frames, those aside that end a message of several parts.
func (w *withholder) filter(to, from net.Conn) {
	reader := newFrameReader(from)
	head, err := reader.head()
	if err != nil {
		return
	}
	if _, err := to.Write(head); err != nil {
		return
	}
	for {
		frame, err := reader.frame()
		if err != nil {
			return
		}
		w.mu.Lock()
		keep := w.on && frame[4] == typeMessage && frame[5]&flagMore == 0
		w.mu.Unlock()
		if keep {
			continue
		}
		if _, err := to.Write(frame); err != nil {
			return
		}
	}
}
