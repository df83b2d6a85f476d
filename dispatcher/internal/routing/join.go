package routing

import (
	"slices"
	"strings"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/mesh"
)

// Inputs are what a view is joined from.
type Inputs struct {
	Self       string
	Namespaces []string         // that this collector has
	Local      *hosted.Snapshot // what is registered here
	Peers      []*Peer
	Schemas    Schemas // of the peers; may be nil if there are none
	// Before is the view until now: it gives the loads of peers that stay, and says which schema had a name first.
	Before *View
}

// Join builds a view.
// It costs time in proportion to everything that is registered anywhere, which is why it is done at a change and not for
// a call. The result shares nothing with in that changes later, but for the loads of peers.
//
// The order matters: what is registered here has its entries before any peer offers the same, and all offers are
// gathered before any is judged, so that the view does not depend on the order in which peers came.
func Join(in Inputs) *View {
	v := &View{
		Self:       in.Self,
		Namespaces: make(map[string]*NamespaceIndex, len(in.Namespaces)),
		owners:     make(map[string][]string),
		Peers:      make(map[string]*RoutePeer),
		Route:      mesh.NewRoute(in.Self),
	}
	for _, namespace := range in.Namespaces {
		v.space(namespace)
	}
	for namespace, methods := range in.Local.Methods {
		for _, m := range methods {
			v.space(namespace).addLocal(m)
		}
	}
	for _, peer := range rankedPeers(in.Peers) {
		v.addPeer(peer, in.Before)
	}
	for _, s := range v.Namespaces {
		s.resolveDuplicates(in.Schemas, in.Before)
	}
	v.index()
	return v
}

// rankedPeers puts those who can be called first, so that they decide what a disputed method is; then by id.
func rankedPeers(peers []*Peer) []*Peer {
	return slices.SortedFunc(slices.Values(peers), func(a, b *Peer) int {
		if a.Routable != b.Routable {
			if a.Routable {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// space is the index of a namespace, made when it is first named. A peer shares only namespaces of this collector, so
// none comes into being by what a peer says.
func (v *View) space(namespace string) *NamespaceIndex {
	s, ok := v.Namespaces[namespace]
	if !ok {
		s = &NamespaceIndex{
			Name:     namespace,
			Entries:  make(map[string]*Entry),
			Services: make(map[string]map[string]*Entry),
			short:    make(map[string][]string),
			offers:   make(map[string][]offer),
		}
		v.Namespaces[namespace] = s
	}
	return s
}

// addPeer adds a peer with what it announced. Peers are added in the order of rankedPeers, which their offers keep.
func (v *View) addPeer(peer *Peer, old *View) {
	p := newRoutePeer(v.Self, peer, old)
	v.Peers[peer.ID] = p
	if peer.Entrance {
		v.Entrance = p
	}
	for _, namespace := range peer.Shared {
		v.space(namespace).addPeer(p)
	}
}

// index fills what follows from the entries.
// It comes last: entries are made until all offers are settled.
func (v *View) index() {
	for _, s := range v.Namespaces {
		for procedure, e := range s.Entries {
			s.indexName(e)
			v.owners[procedure] = append(v.owners[procedure], s.Name)
		}
		for short := range s.short {
			slices.Sort(s.short[short])
		}
	}
	for procedure := range v.owners {
		slices.Sort(v.owners[procedure])
	}
}

// indexName makes an entry findable by the names of its service and method.
func (s *NamespaceIndex) indexName(e *Entry) {
	methods, ok := s.Services[e.Service]
	if !ok {
		methods = make(map[string]*Entry)
		s.Services[e.Service] = methods
		short := name.ShortService(e.Service)
		s.short[short] = append(s.short[short], e.Service)
	}
	methods[e.Method] = e
}

// addLocal makes what is registered here the entry: it decides what the method is, whatever peers say.
func (s *NamespaceIndex) addLocal(m *hosted.Method) {
	s.Entries[m.Spec.Procedure] = &Entry{
		Procedure: m.Spec.Procedure, Service: m.Service, Method: m.Name,
		Input: m.Input, Output: m.Output,
		Stream: m.Spec.StreamType, Idempotency: m.Spec.IdempotencyLevel,
		Local: m, Fingerprint: m.Fingerprint,
	}
}

// addPeer gathers what a peer offers in the namespace. A peer of the seed's protocol announces nothing: it can only be
// asked while it is reached, and is never remembered for a method.
func (s *NamespaceIndex) addPeer(p *RoutePeer) {
	if p.Seed {
		if p.Routable {
			s.seeds = append(s.seeds, p)
		}
		return
	}
	if p.Catalog == nil {
		return
	}
	for procedure, m := range p.Catalog.In(s.Name) {
		s.offers[procedure] = append(s.offers[procedure], offer{p, m})
	}
}

// resolveDuplicates decides what each method is, and who can be called for it. What is registered here decides; else the schema
// that had the name first keeps it while somebody who can be called serves it.
func (s *NamespaceIndex) resolveDuplicates(schemas Schemas, before *View) {
	for procedure, offers := range s.offers {
		e, ok := s.Entries[procedure]
		if !ok {
			e = newEntry(procedure, first(offers, before.entry(s.Name, procedure)))
			s.Entries[procedure] = e
		}
		for _, o := range offers {
			e.add(o, schemas)
		}
	}
	s.offers = nil
}

// first is the offer that decides: one with the schema of before, or that of the peer that ranks first.
func first(offers []offer, before *Entry) offer {
	if before != nil && before.Local == nil {
		for _, o := range offers {
			if o.routePeer.Routable && o.method.GetFingerprint() == before.Fingerprint && streamType(o.method) == before.Stream {
				return o
			}
		}
	}
	return offers[0]
}

// newRoutePeer is a peer for one view. Its load and what the log has said of it belong to the peer and not to the view:
// calls that began by the last view are counted down in this one.
func newRoutePeer(self string, peer *Peer, old *View) *RoutePeer {
	p := &RoutePeer{Peer: peer, Route: mesh.NewRoute(self, peer.ID), arrival: mesh.NewRoute(peer.ID, self)}
	p.alone = []*RoutePeer{p}
	if old != nil && old.Peers[peer.ID] != nil {
		p.Load, p.Withheld = old.Peers[peer.ID].Load, old.Peers[peer.ID].Withheld
		return p
	}
	p.Load, p.Withheld = new(atomic.Int32), new(atomic.Bool)
	return p
}

// add puts a peer into the list of the entry in which calls look for it.
func (e *Entry) add(o offer, schemas Schemas) {
	p, m := o.routePeer, o.method
	differs, skew := e.compare(o, schemas)
	switch {
	case differs && !skew.compatible:
		e.Incompatible = append(e.Incompatible, skew)
		return
	case differs:
		e.Variants = append(e.Variants, skew)
	}
	switch {
	case !p.Routable:
		e.unreachable = append(e.unreachable, p)
	default:
		e.Peers = append(e.Peers, p)
		if e.Idempotency != connect.IdempotencyLevel(m.GetIdempotencyLevel()) {
			e.Idempotency = connect.IdempotencyUnknown // repeat only what all agree may be repeated
		}
	}
}
