package routing

import (
	"cmp"
	"maps"
	"slices"

	"github.com/collectiverpc/collective/dispatcher/internal/endpoint"
	"github.com/collectiverpc/collective/dispatcher/internal/hosted"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/internal/name"
	"github.com/collectiverpc/collective/mesh"
)

// View is everything that routing may look at: one immutable join of what is registered here and what the peers told.
// It is built when either changes and read without a lock.
//
// Invariants, checked by a test on random meshes: the peers in entry.peers, entry.unreachable and space.seeds are sorted by
// id; entry.peers are exactly those for which whyNot has no answer, seed peers aside; an entry exists if and only if
// somebody, reachable or not, serves the procedure in the namespace, and it is in the indexes.
type View struct {
	Self       string
	Namespaces map[string]*NamespaceIndex
	// owners are the namespaces in which somebody serves a procedure, sorted.
	owners map[string][]string
	Peers  map[string]*RoutePeer
	// Entrance is the only peer of a process that only calls; nil for any other collector.
	Entrance *RoutePeer
	Route    *mesh.Route // of a call that runs here

	// What it was joined from, beside the peers: the next view keeps what is the same.
	local   *hosted.Snapshot
	schemas Schemas
}

// NamespaceIndex is a namespace as this collector can route in it.
type NamespaceIndex struct {
	Name    string
	Entries map[string]*Entry // by procedure
	// Services are the methods of a service by its full name; short are the full names that a short name stands for.
	Services map[string]map[string]*Entry
	short    map[string][]string
	// seeds are routable seed peers: they may serve any method.
	seeds    []*RoutePeer
	seedPool *pool // of seeds; nil if there is no choice
	// groups are what is known of who serves a service, by its name, where that were several once.
	groups map[string]*endpoint.Group
	// sharing are the peers that share it, in the order of rankedPeers.
	sharing []*RoutePeer
}

// entry finds an entry; nil if there is none, or no view.
func (v *View) entry(namespace, procedure string) *Entry {
	if v == nil || v.Namespaces[namespace] == nil {
		return nil
	}
	return v.Namespaces[namespace].Entries[procedure]
}

// WayTo is the route to an executor as the headers of an answer name it.
func (v *View) WayTo(executor string) *mesh.Route {
	if p, ok := v.Peers[executor]; ok {
		return p.Route
	}
	return v.Route
}

// Arrival is the route of a call that came from a peer.
func (v *View) Arrival(peer string) *mesh.Route {
	if p, ok := v.Peers[peer]; ok {
		return p.arrival
	}
	return v.Route
}

// procedures are those that a refusal can suggest, sorted so that its text is the same each time.
func (s *NamespaceIndex) procedures() []string { return refusal.Names(s.Entries) }

// collectors are the ids that can be a target.
func (v *View) collectors() []string {
	return append(slices.Sorted(maps.Keys(v.Peers)), v.Self)
}

// serviceNames are the names by which the services of a namespace can be called, full ones first.
func (s *NamespaceIndex) serviceNames() []string {
	names := refusal.Names(s.Services)
	for _, full := range slices.Clone(names) {
		if short := name.ShortService(full); short != full {
			names = append(names, short)
		}
	}
	return names
}

// Avoided is why calls avoid peers, a sentence for each service, by the id of the peer. now is a time of the clock of the
// endpoints.
func (v *View) Avoided(now int64) map[string][]string {
	avoided := make(map[string][]string)
	for _, namespace := range slices.Sorted(maps.Keys(v.Namespaces)) {
		groups := v.Namespaces[namespace].groups
		for _, service := range slices.Sorted(maps.Keys(groups)) {
			for id, standing := range groups[service].Avoided(now) {
				avoided[id] = append(avoided[id], "for "+cmp.Or(service, "any service")+" in namespace "+refusal.Quoted(namespace)+" it "+standing)
			}
		}
	}
	for id, p := range v.Peers {
		if p.Load.Suspect.Load() {
			avoided[id] = append(avoided[id], "calls are under way, and nothing has been heard of it")
		}
	}
	return avoided
}
