//go:build linux

package network

import "time"

// delayed is a packet that goes on later.
type delayed struct {
	at     time.Time
	packet []byte
}

// route reads what a site sends until its device is closed, and passes it on.
func (n *namespaces) route(from *namespace) {
	defer close(from.out)
	packet := make([]byte, mtu+64)
	for {
		length, err := from.tun.Read(packet)
		if err != nil {
			return
		}
		wait, passes := from.cable.out.turn(length, time.Now())
		switch {
		case !passes:
		case wait > 0:
			later(from.out, wait, packet[:length])
		default:
			n.forward(packet[:length])
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
func (n *namespaces) forwardLate(from *namespace) {
	for d := range from.out {
		time.Sleep(time.Until(d.at))
		n.forward(d.packet)
	}
}

// forward gives a packet to the site that it is for, through the cable of that one.
func (n *namespaces) forward(packet []byte) {
	const destination, header = 16, 20 // of IPv4
	if len(packet) < header || packet[0]>>4 != 4 {
		return
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	number := int(packet[destination+3])
	if number == 0 || number > len(n.sites) {
		return
	}
	n.sites[number-1].arrive(packet)
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
