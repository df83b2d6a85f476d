package routing

import (
	"slices"

	"github.com/collectiverpc/collective/dispatcher/internal/balance"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/internal/rest"
)

// seedGroup is the group of seed peers, which do not tell what they serve. No service has that name.
const seedGroup = ""

// pool makes the pools of a namespace, once its entries are complete. Methods of a service that the same peers serve share one. A
// method that only one peer serves has none, so that its calls pay for no choice; but if another one did, and may be back, what is
// known of both is kept. What is registered here never needs a choice. The time that it takes grows with the entries and their
// peers, and not with the pools that there are.
func (s *NamespaceIndex) pool(zone string, tracker *endpoint.Tracker, work *rest.Work) {
	made := make(pools)
	used := make(map[string]bool) // groups that are needed, now or when a peer is back
	for _, e := range s.Entries {
		work.Step()
		if e.Local != nil || len(e.Peers)+len(e.unreachable) < 2 {
			continue
		}
		used[e.Service] = true
		if g := s.group(e.Service, tracker); len(e.Peers) >= 2 {
			e.pool = made.of(e, g, zone)
		}
	}
	if used[seedGroup] = len(s.seeds) >= 2; used[seedGroup] {
		s.seedPool = newPool(s.seeds, s.group(seedGroup, tracker), zone)
	}
	s.forget(used, made.serving(s.seedPool))
}

// pools are the pools of a namespace while a view is joined, by what they have in common but for rare chance: the service, and a
// hash of the peers. So it is found in one step whether an entry has the peers of an earlier one: in a large mesh nearly all have.
type pools map[poolKey]*pool

type poolKey struct {
	service string
	peers   uint64
}

// of is the pool of an entry.
func (made pools) of(e *Entry, g *endpoint.Group, zone string) *pool {
	key := poolKey{service: e.Service}
	for _, p := range e.Peers {
		key.peers = balance.Mixed(key.peers ^ p.hash)
	}
	if p := made[key]; p != nil && slices.Equal(p.peers, e.Peers) {
		return p
	}
	made[key] = newPool(e.Peers, g, zone)
	return made[key]
}

// group is the group of a service. It stays the same over changes of the view, so that peers that come back find what was known of
// them. The map of groups is a copy of that of the view before, which must stay as it was for calls that go by it.
func (s *NamespaceIndex) group(service string, tracker *endpoint.Tracker) *endpoint.Group {
	g := s.groups[service]
	if g == nil {
		g = tracker.NewGroup(s.Name, service)
		if s.groups == nil {
			s.groups = make(map[string]*endpoint.Group)
		}
		s.groups[service] = g
	}
	return g
}

// serving gives the peers that serve some method of a service, by the name of that. seeds may be nil. It is of these that half may
// be ejected: a peer that only was connected once does not count. Of a service all of whose methods one peer serves alone there is
// no pool, and so nobody is ejected.
func (made pools) serving(seeds *pool) map[string]map[string]bool {
	serving := make(map[string]map[string]bool)
	note := func(service string, p *pool) {
		if serving[service] == nil {
			serving[service] = make(map[string]bool, len(p.peers))
		}
		for _, peer := range p.peers {
			serving[service][peer.ID] = true
		}
	}
	for key, p := range made {
		note(key.service, p)
	}
	if seeds != nil {
		note(seedGroup, seeds)
	}
	return serving
}

// forget forgets the groups that are not used any more, and of the others the peers that do not share the namespace: what is kept
// grows with what is served now, and not with what ever was. serving are those that can be called.
func (s *NamespaceIndex) forget(used map[string]bool, serving map[string]map[string]bool) {
	shares := make(map[string]bool, len(s.sharing))
	for _, p := range s.sharing {
		shares[p.ID] = true
	}
	for service, g := range s.groups {
		if !used[service] {
			delete(s.groups, service)
			continue
		}
		present := serving[service]
		g.Keep(func(peer string) bool { return present[peer] }, func(peer string) bool { return shares[peer] })
	}
}
