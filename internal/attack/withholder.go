package main

import (
	"net"
	"sync"
)

// withholder is on the way between a peer and a target, and keeps frames to itself once it is told to.
type withholder struct {
	address string
	there   func(frame []byte) bool // which of those to the target
	back    func(frame []byte) bool // which of those from it; nil for none
	mu      sync.Mutex
	on      bool
}

// endsMessage tells whether a frame ends a message of several parts.
func endsMessage(frame []byte) bool { return frame[4] == typeMessage && frame[5]&flagMore == 0 }

// opens tells whether a frame begins a call.
func opens(frame []byte) bool { return frame[4] == typeOpen }

func (w *withholder) withhold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = true
}

func newWithholder(s *Stage, target string, there, back func(frame []byte) bool) (*withholder, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &withholder{address: listener.Addr().String(), there: there, back: back}
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
			go func() { w.filter(c, there, w.back); _ = c.Close() }()
			go func() { w.filter(there, c, w.there); _ = there.Close() }()
		}
	}()
	return w, nil
}

// filter copies the head of the upgrade, and then frames, those aside that are withheld.
func (w *withholder) filter(to, from net.Conn, withheld func(frame []byte) bool) {
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
		keep := w.on && withheld != nil && withheld(frame)
		w.mu.Unlock()
		if keep {
			continue
		}
		if _, err := to.Write(frame); err != nil {
			return
		}
	}
}
