package conn

import (
	"slices"
	"strings"
)

// Table is all peers at one moment. It never changes, so any number of goroutines may read it without a lock; the slices
// it returns are shared and must not be modified. The zero value has no peers. Who routes by it makes an index of its own.
type Table struct {
	peers []*Peer // by id, each once
}

// NewTable returns a table of peers. Of several with one id the last counts.
func NewTable(peers ...*Peer) *Table {
	t := new(Table)
	for _, p := range peers {
		t = t.with(p)
	}
	return t
}

// Peers returns all peers by id, the ones that cannot be reached included.
func (t *Table) Peers() []*Peer { return t.peers }

// Peer returns the peer with an id.
func (t *Table) Peer(id string) (*Peer, bool) {
	at, ok := t.find(id)
	if !ok {
		return nil, false
	}
	return t.peers[at], true
}

// Serving returns the peers that calls of a method can go to now, by id. Seed peers are not among them: they do not tell
// what they serve. It looks at every peer, for those who wait until a method can be called.
func (t *Table) Serving(namespace, procedure string) []*Peer {
	var serving []*Peer
	for _, p := range t.peers {
		if _, ok := p.Method(namespace, procedure); ok && p.Routable() {
			serving = append(serving, p)
		}
	}
	return serving
}

// with returns the table with p in place of the peer of that id.
func (t *Table) with(p *Peer) *Table {
	at, found := t.find(p.ID)
	peers := slices.Clone(t.peers)
	if found {
		peers[at] = p
	} else {
		peers = slices.Insert(peers, at, p)
	}
	return &Table{peers: peers}
}

// without returns the table without a peer.
func (t *Table) without(id string) *Table {
	at, found := t.find(id)
	if !found {
		return t
	}
	return &Table{peers: slices.Delete(slices.Clone(t.peers), at, at+1)}
}

func (t *Table) find(id string) (at int, found bool) {
	return slices.BinarySearchFunc(t.peers, id, func(p *Peer, id string) int { return strings.Compare(p.ID, id) })
}
