//go:build linux

package network

import (
	"fmt"
	"sync"
)

// namespaces has a network namespace for each site. Its address is 10.77.0.N, and nothing but the rig is between them.
type namespaces struct {
	mu    sync.RWMutex // of sites: packets read it, Add writes it
	sites []*namespace
	over  sync.WaitGroup
}

func newNamespaces() (Network, error) {
	n := &namespaces{}
	if _, err := n.Add("probe"); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// Kind is namespaces.
func (n *namespaces) Kind() string { return "namespaces" }

// Add makes a namespace with a TUN device, whose packets are routed from now on.
func (n *namespaces) Add(name string) (Site, error) {
	n.mu.RLock()
	number := len(n.sites) + 1
	n.mu.RUnlock()
	s := &namespace{address: fmt.Sprintf("10.77.0.%d", number), do: make(chan func()), in: make(chan delayed, 1024), out: make(chan delayed, 1024), closed: make(chan struct{})}
	ready := make(chan error)
	go s.thread(byte(number), ready)
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("making a network namespace for %s: %w", name, err)
	}
	n.mu.Lock()
	n.sites = append(n.sites, s)
	n.mu.Unlock()
	n.over.Go(func() { s.route(n.forward) })
	n.over.Go(func() { s.forwardLate(n.forward) })
	n.over.Go(s.deliverLate)
	return s, nil
}

// Close ends the threads, and the namespaces with them.
func (n *namespaces) Close() {
	n.mu.Lock()
	for _, s := range n.sites {
		_ = s.tun.Close()
		close(s.do)
		close(s.closed)
	}
	n.mu.Unlock()
	n.over.Wait()
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
