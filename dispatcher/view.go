package dispatcher

import (
	"slices"
	"strings"
	"sync/atomic"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/internal/name"
)

// view is everything that routing may look at: one immutable join of what is registered here and what the peers told.
// It is built when either changes and read without a lock.
//
// Invariants, checked by a test on random meshes: the stations in entry.peers, entry.away and space.seeds are sorted by
// id; entry.peers are exactly those for which whyNot has no answer, seed peers aside; an entry exists if and only if
// somebody, reachable or not, serves the procedure in the namespace, and it is in the indexes.
type view struct {
	self     string
	snapshot *hosted.Snapshot // what is registered here
	table    *conn.Table
	known    *knownSchemas // nil without a table
	spaces   map[string]*space
	// owners are the namespaces in which somebody serves a procedure, sorted.
	owners   map[string][]string
	stations map[string]*station
	route    *RouteInfo // of a call that runs here
}

// space is a namespace as this collector can route in it.
type space struct {
	name    string
	entries map[string]*entry // by procedure
	// services are the methods of a service by its full name; short are the full names that a short name stands for.
	services map[string]map[string]*entry
	short    map[string][]string
	// seeds are routable seed peers: they may serve any method.
	seeds []*station
	// offers are what peers announced, until it is settled who decides what each method is.
	offers map[string][]offer
}

// offer is a method of a peer.
type offer struct {
	station *station
	method  *meshv1.CatalogMethod
}

// entry is a procedure in a namespace with everyone who serves it.
type entry struct {
	procedure, service, method string
	input, output              string
	stream                     connect.StreamType
	idempotency                connect.IdempotencyLevel
	fingerprint                uint64         // of the schema that the method has here; 0 if unknown
	owner                      string         // the collector that has that schema
	local                      *hosted.Method // nil if it is not registered here
	peers                      []*station
	away                       []*station // served it before the connection was lost
	odd                        []skewed   // serve something else under this name: calls do not go there
	varied                     []skewed   // have another schema of it that is compatible
}

// skewed is a peer whose schema of a method is not the one that the method has here.
type skewed struct {
	*station
	reason     string
	compatible bool
	// pending tells that the two could not be compared yet.
	pending bool
}

// station is a peer as the router sees it.
type station struct {
	*conn.Peer
	// load is the number of calls under way from here, kept over changes of the view.
	load *atomic.Int32
	// withheld is whether the log has said that no Authorization goes there, kept likewise.
	withheld *atomic.Bool
	// alone is the slice of just this station, so that a call with a target needs no allocation.
	alone []*station
	route *RouteInfo
	// arrival is the route of calls from there to here.
	arrival *RouteInfo
}

// join builds a view. table and known may be nil, for a view of what is here alone; old, which may be nil too, gives the
// loads of peers that stay, and says which schema had a name first.
func join(self string, namespaces []string, local *hosted.Snapshot, table *conn.Table, known *knownSchemas, old *view) *view {
	v := &view{
		self: self, snapshot: local, table: table, known: known,
		spaces:   make(map[string]*space, len(namespaces)),
		owners:   make(map[string][]string),
		stations: make(map[string]*station),
		route:    newRouteInfo(self),
	}
	for _, namespace := range namespaces {
		v.space(namespace)
	}
	for namespace, methods := range local.Methods {
		for _, m := range methods {
			v.space(namespace).addLocal(m)
		}
	}
	if table != nil {
		for _, peer := range rankedPeers(table.Peers()) {
			v.addPeer(peer, old)
		}
	}
	for _, s := range v.spaces {
		s.settle(known, old)
	}
	v.index()
	return v
}

// rankedPeers puts those who can be called first, so that they decide what a disputed method is; then by id.
func rankedPeers(peers []*conn.Peer) []*conn.Peer {
	return slices.SortedFunc(slices.Values(peers), func(a, b *conn.Peer) int {
		if a.Routable() != b.Routable() {
			if a.Routable() {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
}

func (v *view) space(namespace string) *space {
	s, ok := v.spaces[namespace]
	if !ok {
		s = &space{
			name:     namespace,
			entries:  make(map[string]*entry),
			services: make(map[string]map[string]*entry),
			short:    make(map[string][]string),
			offers:   make(map[string][]offer),
		}
		v.spaces[namespace] = s
	}
	return s
}

func (v *view) addPeer(peer *conn.Peer, old *view) {
	st := newStation(v.self, peer, old)
	v.stations[peer.ID] = st
	for _, namespace := range peer.Shared {
		v.space(namespace).addPeer(st)
	}
}

func newStation(self string, peer *conn.Peer, old *view) *station {
	st := &station{Peer: peer, route: newRouteInfo(self, peer.ID), arrival: newRouteInfo(peer.ID, self)}
	st.alone = []*station{st}
	if old != nil && old.stations[peer.ID] != nil {
		st.load, st.withheld = old.stations[peer.ID].load, old.stations[peer.ID].withheld
		return st
	}
	st.load, st.withheld = new(atomic.Int32), new(atomic.Bool)
	return st
}

// index fills what follows from the entries.
func (v *view) index() {
	for _, s := range v.spaces {
		for procedure, e := range s.entries {
			s.indexName(e)
			v.owners[procedure] = append(v.owners[procedure], s.name)
		}
		for short := range s.short {
			slices.Sort(s.short[short])
		}
	}
	for procedure := range v.owners {
		slices.Sort(v.owners[procedure])
	}
}

func (s *space) indexName(e *entry) {
	methods, ok := s.services[e.service]
	if !ok {
		methods = make(map[string]*entry)
		s.services[e.service] = methods
		short := name.ShortService(e.service)
		s.short[short] = append(s.short[short], e.service)
	}
	methods[e.method] = e
}

func (s *space) addLocal(m *hosted.Method) {
	s.entries[m.Spec.Procedure] = &entry{
		procedure: m.Spec.Procedure, service: m.Service, method: m.Name,
		input: m.Input, output: m.Output,
		stream: m.Spec.StreamType, idempotency: m.Spec.IdempotencyLevel,
		local: m, fingerprint: m.Fingerprint,
	}
}

func (s *space) addPeer(st *station) {
	if st.Seed {
		if st.Routable() {
			s.seeds = append(s.seeds, st)
		}
		return
	}
	for procedure, m := range st.Catalog.In(s.name) {
		s.offers[procedure] = append(s.offers[procedure], offer{st, m})
	}
}

// settle decides what each method is, and who can be called for it. What is registered here decides; else the schema
// that had the name first keeps it while somebody who can be called serves it.
func (s *space) settle(known *knownSchemas, old *view) {
	for procedure, offers := range s.offers {
		e, ok := s.entries[procedure]
		if !ok {
			e = newEntry(procedure, first(offers, old.entry(s.name, procedure)))
			s.entries[procedure] = e
		}
		for _, o := range offers {
			e.add(o, known)
		}
	}
	s.offers = nil
}

// first is the offer that decides: one with the schema of before, or that of the peer that ranks first.
func first(offers []offer, before *entry) offer {
	if before != nil && before.local == nil {
		for _, o := range offers {
			if o.station.Routable() && o.method.GetFingerprint() == before.fingerprint && streamType(o.method) == before.stream {
				return o
			}
		}
	}
	return offers[0]
}

// entry finds an entry; nil if there is none, or no view.
func (v *view) entry(namespace, procedure string) *entry {
	if v == nil || v.spaces[namespace] == nil {
		return nil
	}
	return v.spaces[namespace].entries[procedure]
}

func newEntry(procedure string, o offer) *entry {
	m := o.method
	service, method, err := name.SplitProcedure(procedure)
	if err != nil { // conn checks catalogs; a peer of a test may not
		service, method = procedure, ""
	}
	return &entry{
		procedure: procedure, service: service, method: method,
		input: m.GetInputType(), output: m.GetOutputType(),
		stream: streamType(m), idempotency: connect.IdempotencyLevel(m.GetIdempotencyLevel()),
		fingerprint: m.GetFingerprint(), owner: o.station.ID,
	}
}

func (e *entry) add(o offer, known *knownSchemas) {
	st, m := o.station, o.method
	differs, skew := e.compare(o, known)
	switch {
	case differs && !skew.compatible:
		e.odd = append(e.odd, skew)
		return
	case differs:
		e.varied = append(e.varied, skew)
	}
	switch {
	case !st.Routable():
		e.away = append(e.away, st)
	default:
		e.peers = append(e.peers, st)
		if e.idempotency != connect.IdempotencyLevel(m.GetIdempotencyLevel()) {
			e.idempotency = connect.IdempotencyUnknown // repeat only what all agree may be repeated
		}
	}
}

// untyped reports that the method takes the Any of an envelope as it is.
func (e *entry) untyped() bool { return e.input == hosted.AnyType }

func streamType(m *meshv1.CatalogMethod) connect.StreamType {
	kind := connect.StreamTypeUnary
	if m.GetClientStreaming() {
		kind |= connect.StreamTypeClient
	}
	if m.GetServerStreaming() {
		kind |= connect.StreamTypeServer
	}
	return kind
}
