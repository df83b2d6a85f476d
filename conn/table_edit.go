package conn

import (
	"maps"
	"slices"
	"strings"
)

// tableEdit makes the next table out of one that others are reading. Only the namespaces of the peers it touches are
// copied; lists are replaced, never changed in place.
type tableEdit struct {
	next  *Table
	fresh map[string]*namespace
}

func (t *Table) edit() *tableEdit {
	next := &Table{
		peers:      t.peers,
		byID:       make(map[string]*Peer, len(t.byID)+1),
		namespaces: make(map[string]*namespace, len(t.namespaces)+1),
	}
	maps.Copy(next.byID, t.byID)
	maps.Copy(next.namespaces, t.namespaces)
	return &tableEdit{next: next, fresh: make(map[string]*namespace)}
}

// insert adds a peer whose id is not in the table.
func (e *tableEdit) insert(p *Peer) {
	e.next.byID[p.ID] = p
	e.next.peers = withPeer(e.next.peers, p)
	for _, name := range p.Shared {
		e.namespace(name).insert(name, p)
	}
}

// remove takes the peer of an id out, if there is one.
func (e *tableEdit) remove(id string) {
	p, ok := e.next.byID[id]
	if !ok {
		return
	}
	delete(e.next.byID, id)
	e.next.peers = withoutPeer(e.next.peers, p)
	for _, name := range p.Shared {
		e.namespace(name).remove(name, p)
	}
}

func (e *tableEdit) done() *Table {
	for name, ns := range e.fresh {
		if ns.members == 0 {
			delete(e.next.namespaces, name)
		}
	}
	e.next.names = slices.Sorted(maps.Keys(e.next.namespaces))
	return e.next
}

// namespace returns the entry of a namespace that this edit may change.
func (e *tableEdit) namespace(name string) *namespace {
	if ns, ok := e.fresh[name]; ok {
		return ns
	}
	ns := newNamespace(e.next.namespaces[name])
	e.fresh[name], e.next.namespaces[name] = ns, ns
	return ns
}

func (ns *namespace) insert(name string, p *Peer) {
	ns.members++
	if !p.Routable() {
		return
	}
	if p.Seed {
		ns.seeds = withPeer(ns.seeds, p)
	}
	for procedure := range p.Catalog.In(name) {
		ns.serving[procedure] = withPeer(ns.serving[procedure], p)
	}
}

func (ns *namespace) remove(name string, p *Peer) {
	ns.members--
	ns.seeds = withoutPeer(ns.seeds, p)
	for procedure := range p.Catalog.In(name) {
		rest := withoutPeer(ns.serving[procedure], p)
		if len(rest) == 0 {
			delete(ns.serving, procedure)
			continue
		}
		ns.serving[procedure] = rest
	}
}

// withPeer returns a new list with p at its place. list has no peer of p's id.
func withPeer(list []*Peer, p *Peer) []*Peer {
	at, _ := slices.BinarySearchFunc(list, p.ID, comparePeerID)
	grown := make([]*Peer, 0, len(list)+1)
	grown = append(grown, list[:at]...)
	grown = append(grown, p)
	return append(grown, list[at:]...)
}

// withoutPeer returns list without the peer of p's id: list itself if it is not there.
func withoutPeer(list []*Peer, p *Peer) []*Peer {
	at, found := slices.BinarySearchFunc(list, p.ID, comparePeerID)
	if !found {
		return list
	}
	return slices.Concat(list[:at], list[at+1:])
}

func comparePeerID(p *Peer, id string) int { return strings.Compare(p.ID, id) }
