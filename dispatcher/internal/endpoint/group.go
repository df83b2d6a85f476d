package endpoint

import "sync"

// Group is the endpoints of a service: those of all peers that serve some of its methods. All methods are safe for concurrent
// use; calls need none of them.
type Group struct {
	mu        sync.Mutex
	endpoints map[string]*Endpoint // by the id of the peer
}

// NewGroup makes an empty group.
func NewGroup() *Group { return &Group{endpoints: make(map[string]*Endpoint)} }

// Endpoint is that of a peer, the same each time.
func (g *Group) Endpoint(peer string) *Endpoint {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.endpoints[peer]
	if e == nil {
		e = new(Endpoint)
		g.endpoints[peer] = e
	}
	return e
}

// Keep forgets the endpoints of peers that are not known any more.
func (g *Group) Keep(known func(peer string) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.endpoints {
		if !known(id) {
			delete(g.endpoints, id)
		}
	}
}
