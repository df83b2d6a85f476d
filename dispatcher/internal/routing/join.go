package routing

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/balance"
	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/internal/rest"
	"github.com/collectiverpc/collective/mesh"
)

// Inputs are what a view is joined from.
type Inputs struct {
	Self       string
	Zone       string            // where this collector runs; empty if it does not say
	Tracker    *endpoint.Tracker // of what is known of peers; nil for one that nobody hears of
	Namespaces []string          // that this collector has
	Local      *hosted.Snapshot  // what is registered here
	Peers      []*Peer
	Schemas    Schemas // of the peers; may be nil if there are none
	// Before is the view until now: it gives the loads of peers that stay, and says which schema had a name first.
	Before *View
	// Work is what rests between the methods; nil if it is urgent.
	Work *rest.Work
}

// Join builds a view.
// It costs time in proportion to what is served in the namespaces that changed, which is why it is done at a change and not
// for a call. A namespace that nothing has changed in is that of the view before. The result shares nothing with in that
// changes later, but for the loads of peers.
//
// The order matters: what is registered here has its entries before any peer offers the same, and peers come in that of
// rankedPeers, so that the view does not depend on the order in which they were met.
func Join(in Inputs) *View {
	if in.Tracker == nil {
		in.Tracker = endpoint.NewTracker(nil)
	}
	v := &View{
		Self:       in.Self,
		Namespaces: make(map[string]*NamespaceIndex, len(in.Namespaces)),
		Peers:      make(map[string]*RoutePeer, len(in.Peers)),
		Route:      mesh.NewRoute(in.Self),
		local:      in.Local,
		schemas:    in.Schemas,
	}
	sharing := make(map[string][]*RoutePeer)
	for _, peer := range rankedPeers(in.Peers) {
		p := v.addPeer(peer, in.Before)
		for _, namespace := range peer.Shared {
			sharing[namespace] = append(sharing[namespace], p)
		}
	}
	var changed []*NamespaceIndex
	for _, namespace := range namespacesOf(in, sharing) {
		s, same := in.space(namespace, sharing[namespace])
		if v.Namespaces[namespace] = s; !same {
			changed = append(changed, s)
		}
	}
	v.owners = ownersOf(v, in.Before, changed, in.Work)
	return v
}

// namespacesOf are all of which there is something to say: those that this collector has, those that something is registered in,
// and those that it shares.
func namespacesOf(in Inputs, sharing map[string][]*RoutePeer) []string {
	all := slices.Concat(in.Namespaces, slices.Collect(maps.Keys(in.Local.Methods)), slices.Collect(maps.Keys(sharing)))
	slices.Sort(all)
	return slices.Compact(all)
}

// space is the index of a namespace that is shared with peers, which are in the order of rankedPeers. same tells that it is
// that of the view before: all that it was made of is the very same memory.
func (in *Inputs) space(name string, peers []*RoutePeer) (s *NamespaceIndex, same bool) {
	if before := in.Before; before != nil && before.local == in.Local && before.schemas == in.Schemas {
		if s := before.Namespaces[name]; s != nil && slices.Equal(s.sharing, peers) {
			return s, true
		}
	}
	s = newNamespaceIndex(name, peers, in)
	for _, m := range in.Local.Methods[name] {
		s.addLocal(m)
	}
	for _, p := range peers {
		s.addPeer(p, in)
	}
	s.index(in.Work)
	s.pool(in.Zone, in.Tracker, in.Work)
	return s, false
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

// newNamespaceIndex is an empty index with room for what there was before.
func newNamespaceIndex(name string, peers []*RoutePeer, in *Inputs) *NamespaceIndex {
	old := new(NamespaceIndex)
	if before := in.Before; before != nil && before.Namespaces[name] != nil {
		old = before.Namespaces[name]
	}
	return &NamespaceIndex{
		Name:     name,
		Entries:  make(map[string]*Entry, len(old.Entries)),
		Services: make(map[string]map[string]*Entry, len(old.Services)),
		short:    make(map[string][]string),
		sharing:  peers,
		groups:   maps.Clone(old.groups),
	}
}

// addPeer adds a peer with what it announced. One that is the same as in the view before is the same memory.
func (v *View) addPeer(peer *Peer, old *View) *RoutePeer {
	p := newRoutePeer(v.Self, peer, old)
	v.Peers[peer.ID] = p
	if peer.Entrance {
		v.Entrance = p
	}
	return p
}

// index fills what follows from the entries.
// It comes last: until then entries are made.
func (s *NamespaceIndex) index(work *rest.Work) {
	for _, e := range s.Entries {
		work.Step()
		s.indexName(e)
	}
	for short := range s.short {
		slices.Sort(s.short[short])
	}
}

// ownersOf are the namespaces in which somebody serves a procedure. It looks only at the namespaces that changed, as there may
// be many more procedures than there are changes, and copies those of the view before only if one differs.
func ownersOf(v, before *View, changed []*NamespaceIndex, work *rest.Work) map[string][]string {
	if before == nil {
		before = new(View)
	}
	o := owners{of: before.owners, work: work}
	for name, old := range before.Namespaces {
		if next := v.Namespaces[name]; next != old {
			o.disown(old, next)
		}
	}
	for _, s := range changed {
		o.own(s, before.Namespaces[s.Name])
	}
	if o.of == nil {
		return make(map[string][]string)
	}
	return o.of
}

// owners are the owners of a view until one differs, and then a copy.
type owners struct {
	of     map[string][]string
	copied bool
	work   *rest.Work
}

// own gives a namespace the procedures that somebody serves there now and nobody did before. old may be nil.
func (o *owners) own(s, old *NamespaceIndex) {
	for procedure := range s.Entries {
		o.work.Step()
		if !old.has(procedure) {
			list := append(slices.Clone(o.of[procedure]), s.Name)
			slices.Sort(list)
			o.set(procedure, list)
		}
	}
}

// disown takes a namespace from the procedures that nobody serves there any more. next is the namespace now; nil if it is gone.
func (o *owners) disown(old, next *NamespaceIndex) {
	for procedure := range old.Entries {
		o.work.Step()
		if !next.has(procedure) {
			o.set(procedure, slices.DeleteFunc(slices.Clone(o.of[procedure]), func(name string) bool { return name == old.Name }))
		}
	}
}

// set copies the owners before the first change: calls go by the view before meanwhile.
func (o *owners) set(procedure string, list []string) {
	if !o.copied {
		o.copied = true
		if o.of = maps.Clone(o.of); o.of == nil {
			o.of = make(map[string][]string)
		}
	}
	if o.of[procedure] = list; len(list) == 0 {
		delete(o.of, procedure)
	}
}

// has is also asked of the index of a namespace that is not there, which is nil.
func (s *NamespaceIndex) has(procedure string) bool { return s != nil && s.Entries[procedure] != nil }

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

// addPeer adds what a peer offers in the namespace, after those that rank before it. A peer of the seed's protocol announces
// nothing: it can only be asked while it is reached, and is never remembered for a method.
func (s *NamespaceIndex) addPeer(p *RoutePeer, in *Inputs) {
	switch {
	case p.Seed && p.Routable:
		s.seeds = append(s.seeds, p)
		return
	case p.Seed, p.Catalog == nil:
		return
	}
	for procedure, m := range p.Catalog.In(s.Name) {
		in.Work.Step()
		o := offer{p, m}
		e, ok := s.Entries[procedure]
		if !ok {
			e = newEntry(procedure, s.deciding(procedure, o, in.Before.entry(s.Name, procedure)))
			s.Entries[procedure] = e
		}
		e.add(o, in.Schemas)
	}
}

// deciding is the offer that says what a method is which is not registered here: one with the schema that had the name before,
// while somebody who can be called serves it, or that of the peer that ranks first, which is o. One that shows no schema does
// not decide where another does.
func (s *NamespaceIndex) deciding(procedure string, o offer, before *Entry) offer {
	if o.bare() {
		return s.firstOffer(procedure, o, func(o offer) bool { return o.routePeer.Routable && o.method.GetFingerprint() != 0 })
	}
	if before == nil || before.Local != nil || o.keeps(before) {
		return o
	}
	return s.firstOffer(procedure, o, func(o offer) bool { return o.keeps(before) && !o.bare() })
}

// firstOffer is the first that is wanted, by rank; otherwise if there is none.
func (s *NamespaceIndex) firstOffer(procedure string, otherwise offer, wanted func(offer) bool) offer {
	for _, p := range s.sharing {
		if p.Catalog == nil {
			continue
		}
		if m, ok := p.Catalog.Method(s.Name, procedure); ok && wanted(offer{p, m}) {
			return offer{p, m}
		}
	}
	return otherwise
}

// bare reports an offer that shows nothing of its schema, though it names messages. Collectors of this version show it.
func (o offer) bare() bool {
	return o.method.GetFingerprint() == 0 && o.method.GetInputType() != hosted.AnyType
}

// keeps reports whether calls by an offer are what they were.
func (o offer) keeps(before *Entry) bool {
	return o.routePeer.Routable && o.method.GetFingerprint() == before.Fingerprint && streamType(o.method) == before.Stream
}

// newRoutePeer is a peer for one view. Its load and what the log has said of it belong to the peer and not to the view:
// calls that began by the last view are counted down in this one.
func newRoutePeer(self string, peer *Peer, old *View) *RoutePeer {
	if old != nil && old.Peers[peer.ID] != nil && old.Peers[peer.ID].Peer == peer {
		return old.Peers[peer.ID]
	}
	p := &RoutePeer{Peer: peer, hash: balance.Hash(peer.ID), Route: mesh.NewRoute(self, peer.ID), arrival: mesh.NewRoute(peer.ID, self)}
	p.alone = []*RoutePeer{p}
	if old != nil && old.Peers[peer.ID] != nil {
		p.Load, p.Withheld = old.Peers[peer.ID].Load, old.Peers[peer.ID].Withheld
		return p
	}
	p.Load, p.Withheld = new(endpoint.Load), new(atomic.Bool)
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
	case e.Peers == nil:
		e.Peers = p.alone // without a capacity to grow into, as most have one
	default:
		e.Peers = append(e.Peers, p)
	}
	if p.Routable && e.Idempotency != connect.IdempotencyLevel(m.GetIdempotencyLevel()) {
		e.Idempotency = connect.IdempotencyUnknown // repeat only what all agree may be repeated
	}
}
