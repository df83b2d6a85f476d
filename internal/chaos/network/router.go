//go:build linux

package network

import "time"

// route reads what a site sends until its device is closed, and passes it on.
func (s *namespace) route(forward func(packet []byte)) {
	defer close(s.out)
	packet := make([]byte, mtu+64)
	for {
		length, err := s.tun.Read(packet)
		if err != nil {
			return
		}
		wait, passes := s.cable.out.turn(length, time.Now())
		switch {
		case !passes:
		case wait > 0:
			later(s.out, wait, packet[:length])
		default:
			forward(packet[:length])
		}
	}
}

// later queues a packet that is not lost for want of room.
func later(queue chan<- delayed, wait time.Duration, packet []byte) {
	select {
	case queue <- delayed{time.Now().Add(wait), append([]byte(nil), packet...)}:
	default:
	}
}

// forwardLate passes on what a slow cable has held back on its way out.
func (s *namespace) forwardLate(forward func(packet []byte)) {
	for d := range s.out {
		time.Sleep(time.Until(d.at))
		forward(d.packet)
	}
}

// arrive takes a packet through the cable into the site. Several sites may send at once.
func (s *namespace) arrive(packet []byte) {
	s.arriving.Lock()
	wait, passes := s.cable.in.turn(len(packet), time.Now())
	if passes && wait > 0 {
		later(s.in, wait, packet)
	}
	s.arriving.Unlock()
	if passes && wait == 0 {
		_, _ = s.tun.Write(packet) // what does not go in is lost
	}
}

// deliverLate brings what a slow cable has held back on its way in.
func (s *namespace) deliverLate() {
	for {
		select {
		case d := <-s.in:
			time.Sleep(time.Until(d.at))
			_, _ = s.tun.Write(d.packet)
		case <-s.closed:
			return
		}
	}
}
