package conn

import (
	"maps"
	"slices"
	"sync"
)

// Table is what routing reads: all peers at one moment, indexed. It never changes, so any number of goroutines may read
// it without a lock; the slices it returns are shared and must not be modified. The zero value has no peers.
//
// Invariants, verified by check in the tests after every operation:
//
//   - peers is sorted by id without duplicates and holds the same peers as byID;
//   - namespaces has an entry for exactly the namespaces that some peer shares, and names is its sorted key set;
//   - in a namespace, members counts the peers that share it, seeds holds exactly the routable seed peers among them;
//   - serving holds, for each procedure, exactly the routable peers that share the namespace and have the procedure in
//     their catalog; a procedure without peers has no entry;
//   - every list of peers is sorted by id.
type Table struct {
	peers      []*Peer
	byID       map[string]*Peer
	names      []string
	namespaces map[string]*namespace
}

// namespace is the part of a table that concerns one namespace. It never changes once its table is published.
type namespace struct {
	members int
	seeds   []*Peer
	serving map[string][]*Peer // by procedure
	// methods serves people, not calls: it is computed by the first reader.
	methods func() []string
}

// NewTable returns a table of peers. Of several with one id the last counts.
func NewTable(peers ...*Peer) *Table {
	e := new(Table).edit()
	for _, p := range peers {
		e.remove(p.ID)
		e.insert(p)
	}
	return e.done()
}

// Peers returns all peers by id, the ones that cannot be reached included.
func (t *Table) Peers() []*Peer { return t.peers }

// Peer returns the peer with an id.
func (t *Table) Peer(id string) (*Peer, bool) {
	p, ok := t.byID[id]
	return p, ok
}

// Serving returns the peers that calls of a method can go to now, by id. Seed peers are not among them: they do not
// tell what they serve, see SeedPeers.
func (t *Table) Serving(namespace, procedure string) []*Peer {
	ns, ok := t.namespaces[namespace]
	if !ok {
		return nil
	}
	return ns.serving[procedure]
}

// SeedPeers returns the routable seed peers that share a namespace, by id. They may serve any method of it.
func (t *Table) SeedPeers(namespace string) []*Peer {
	ns, ok := t.namespaces[namespace]
	if !ok {
		return nil
	}
	return ns.seeds
}

// HasNamespace reports whether any peer, reachable or not, shares a namespace.
func (t *Table) HasNamespace(namespace string) bool {
	_, ok := t.namespaces[namespace]
	return ok
}

// Methods returns the procedures that peers serve in a namespace now, sorted.
func (t *Table) Methods(namespace string) []string {
	ns, ok := t.namespaces[namespace]
	if !ok {
		return nil
	}
	return ns.methods()
}

// NamespacesServing returns the namespaces in which a peer serves a procedure now, sorted.
func (t *Table) NamespacesServing(procedure string) []string {
	var found []string
	for _, n := range t.names {
		if len(t.namespaces[n].serving[procedure]) > 0 {
			found = append(found, n)
		}
	}
	return found
}

// with returns the table with p in place of the peer of that id.
func (t *Table) with(p *Peer) *Table {
	e := t.edit()
	e.remove(p.ID)
	e.insert(p)
	return e.done()
}

// without returns the table without a peer.
func (t *Table) without(id string) *Table {
	e := t.edit()
	e.remove(id)
	return e.done()
}

func newNamespace(old *namespace) *namespace {
	ns := &namespace{serving: make(map[string][]*Peer)}
	if old != nil {
		ns.members, ns.seeds, ns.serving = old.members, old.seeds, maps.Clone(old.serving)
	}
	ns.methods = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(ns.serving)) })
	return ns
}
