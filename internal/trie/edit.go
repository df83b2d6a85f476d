package trie

import (
	"hash/maphash"
	"slices"
)

// Edit makes the next map of one. It is for one goroutine. It copies a node when it first changes it, and changes its own copy
// from then on, so that many changes together cost less than one by one.
type Edit[V comparable] struct {
	at    Map[V]
	owner *byte
}

// Edit begins an edit of a map, which stays as it is.
func (m Map[V]) Edit() *Edit[V] { return &Edit[V]{m, new(byte)} }

// Map is what the edit has made so far. The nodes are the map's then, and a later change copies again. Edits that follow do not change it.
func (e *Edit[V]) Map() Map[V] {
	e.owner = new(byte)
	return e.at
}

// Get returns the value of a key.
func (e *Edit[V]) Get(key string) (V, bool) { return e.at.Get(key) }

// Set puts a value in the place of the one that a key has.
func (e *Edit[V]) Set(key string, value V) {
	e.at.root = e.set(e.at.root, 0, item[V]{maphash.String(seed, key), key, value})
}

// Delete takes a key out, if it is there.
func (e *Edit[V]) Delete(key string) {
	hash := maphash.String(seed, key)
	if e.at.root.get(hash, hash, key) != nil {
		e.at.root = e.remove(e.at.root, hash, hash, key)
		e.at.count--
	}
}

// With is a map with a value in the place of the one that a key has.
func (m Map[V]) With(key string, value V) Map[V] {
	e := m.Edit()
	e.Set(key, value)
	return e.at
}

// Without is a map without a key.
func (m Map[V]) Without(key string) Map[V] {
	e := m.Edit()
	e.Delete(key)
	return e.at
}

// set puts an item at or below a node, and returns what has to be there now.
func (e *Edit[V]) set(n *node[V], depth int, it item[V]) *node[V] {
	if n == nil {
		e.at.count++
		return &node[V]{owner: e.owner, items: []item[V]{it}}
	}
	n = e.own(n)
	if n.kids != nil {
		at := it.hash >> (depth * bits) % width
		n.kids[at] = e.set(n.kids[at], depth+1, it)
		return n
	}
	if at := n.find(it.hash, it.key); at >= 0 {
		n.items[at].value = it.value
		return n
	}
	e.at.count++
	n.items = append(n.items, it)
	if len(n.items) > leafSize && depth < deepest {
		e.split(n, depth)
	}
	return n
}

// own is a node that the edit may change: itself, or a copy.
func (e *Edit[V]) own(n *node[V]) *node[V] {
	if n.owner == e.owner {
		return n
	}
	own := &node[V]{owner: e.owner}
	if n.kids != nil {
		kids := *n.kids
		own.kids = &kids
		return own
	}
	own.items = append(make([]item[V], 0, len(n.items)+1), n.items...)
	return own
}

// split makes a branch of a leaf.
func (e *Edit[V]) split(n *node[V], depth int) {
	n.kids = new([width]*node[V])
	for _, it := range n.items {
		kid := &n.kids[it.hash>>(depth*bits)%width]
		if *kid == nil {
			*kid = &node[V]{owner: e.owner}
		}
		(*kid).items = append((*kid).items, it)
	}
	n.items = nil
}

// remove takes an item out that is there. A node with nothing left goes.
func (e *Edit[V]) remove(n *node[V], hash, rest uint64, key string) *node[V] {
	n = e.own(n)
	if n.kids == nil {
		at := n.find(hash, key)
		if n.items = slices.Delete(n.items, at, at+1); len(n.items) == 0 {
			return nil
		}
		return n
	}
	at := rest % width
	if n.kids[at] = e.remove(n.kids[at], hash, rest>>bits, key); n.kids[at] == nil && empty(n.kids) {
		return nil
	}
	return n
}

// empty costs a look at all kids of a branch. It is asked only when one of them has just gone, so that a branch need not count them.
func empty[V comparable](kids *[width]*node[V]) bool {
	for _, kid := range kids {
		if kid != nil {
			return false
		}
	}
	return true
}
