package conn

import (
	"fmt"
	"slices"
	"strings"
)

// check compares every index of a table with what its peers say, and names the first invariant that does not hold.
func (t *Table) check() error {
	if err := t.checkPeers(); err != nil {
		return err
	}
	shared := make(map[string]int)
	for _, p := range t.peers {
		for _, name := range p.Shared {
			shared[name]++
		}
	}
	if len(shared) != len(t.namespaces) {
		return fmt.Errorf("%d namespaces are indexed, peers share %d", len(t.namespaces), len(shared))
	}
	for name, members := range shared {
		if err := t.checkNamespace(name, members); err != nil {
			return fmt.Errorf("namespace %q: %w", name, err)
		}
	}
	if !slices.IsSorted(t.names) || len(t.names) != len(shared) {
		return fmt.Errorf("names are %v", t.names)
	}
	return nil
}

func (t *Table) checkPeers() error {
	if len(t.peers) != len(t.byID) {
		return fmt.Errorf("%d peers in the list, %d by id", len(t.peers), len(t.byID))
	}
	for _, p := range t.peers {
		if t.byID[p.ID] != p {
			return fmt.Errorf("peer %q in the list is not the one by id", p.ID)
		}
	}
	return checkOrder(t.peers)
}

func (t *Table) checkNamespace(name string, members int) error {
	ns := t.namespaces[name]
	if ns == nil || ns.members != members {
		return fmt.Errorf("entry %+v, want %d members", ns, members)
	}
	var seeds []*Peer
	serving := make(map[string][]*Peer)
	for _, p := range t.peers {
		if !p.shares(name) || !p.Routable() {
			continue
		}
		if p.Seed {
			seeds = append(seeds, p)
		}
		for procedure := range p.Catalog.In(name) {
			serving[procedure] = append(serving[procedure], p)
		}
	}
	if !slices.Equal(seeds, ns.seeds) {
		return fmt.Errorf("%d seeds, want %d", len(ns.seeds), len(seeds))
	}
	if len(serving) != len(ns.serving) {
		return fmt.Errorf("%d procedures, want %d", len(ns.serving), len(serving))
	}
	for procedure, want := range serving {
		if !slices.Equal(ns.serving[procedure], want) {
			return fmt.Errorf("%s: %d peers, want %d", procedure, len(ns.serving[procedure]), len(want))
		}
	}
	return nil
}

func checkOrder(peers []*Peer) error {
	less := func(a, b *Peer) int { return strings.Compare(a.ID, b.ID) }
	if !slices.IsSortedFunc(peers, less) {
		return fmt.Errorf("peers are not sorted by id")
	}
	return nil
}
