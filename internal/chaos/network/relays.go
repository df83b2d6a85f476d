package network

import (
	"io"
	"net"
	"os/exec"
	"sync"
	"time"
)

// relays has all sites on loopback.
type relays struct {
	mu    sync.Mutex // of sites
	sites []*relay
}

// relay is a site: where its processes listen, and what others dial instead.
type relay struct {
	cable    Cable
	address  string
	listener net.Listener
	conns    sync.WaitGroup
	mu       sync.Mutex // of open
	open     map[net.Conn]bool
}

// NewRelays makes one of relays on any machine.
func NewRelays() Network { return &relays{} }

// Kind is relays.
func (n *relays) Kind() string { return "relays" }

// Add makes a relay, and finds a port for the site.
func (n *relays) Add(string) (Site, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &relay{address: free.Addr().String(), open: make(map[net.Conn]bool)}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	_ = free.Close() // a process of the site takes it
	s.conns.Go(s.accept)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sites = append(n.sites, s)
	return s, nil
}

// Close ends the relays and their connections.
func (n *relays) Close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.sites {
		_ = s.listener.Close()
		s.mu.Lock()
		for c := range s.open {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.conns.Wait()
	}
}

// Start starts a command here: there is one network.
func (s *relay) Start(command *exec.Cmd) error { return command.Start() }

// Listen is a port of its own.
func (s *relay) Listen() string { return s.address }

// Dial is the relay.
func (s *relay) Dial() string { return s.listener.Addr().String() }

// Cable is what the relay does.
func (s *relay) Cable() *Cable { return &s.cable }

func (s *relay) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.conns.Go(func() { s.join(c) })
	}
}

// join copies both ways until an end is closed.
func (s *relay) join(outside net.Conn) {
	inside, err := net.Dial("tcp", s.address)
	if err != nil {
		_ = outside.Close()
		return
	}
	s.hold(outside, true)
	s.hold(inside, true)
	done := make(chan struct{}, 2)
	go func() { pass(inside, outside, &s.cable.in); done <- struct{}{} }()
	go func() { pass(outside, inside, &s.cable.out); done <- struct{}{} }()
	<-done
	s.hold(outside, false)
	s.hold(inside, false)
	<-done
}

// hold notes a connection, or closes and forgets it.
func (s *relay) hold(c net.Conn, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[c] = true; !open {
		delete(s.open, c)
		_ = c.Close()
	}
}

// resent is how long TCP takes to notice a loss and send again.
const resent = 200 * time.Millisecond

// pass copies through a direction of a cable. Each connection has turns of its own: there is no packet to lose, so what a
// share of losses would cost is waited for.
func pass(to io.Writer, from io.Reader, shared *direction) {
	own := direction{}
	buffer := make([]byte, 1400)
	for {
		length, err := from.Read(buffer)
		if err != nil {
			return
		}
		for {
			own.set(shared.now())
			wait, passes := own.turn(length, time.Now())
			if time.Sleep(wait); passes {
				break
			}
			time.Sleep(resent)
		}
		if _, err := to.Write(buffer[:length]); err != nil {
			return
		}
	}
}
