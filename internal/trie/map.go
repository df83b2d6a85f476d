package trie

import (
	"hash/maphash"
	"iter"
)

const (
	bits     = 5
	width    = 1 << bits
	leafSize = 8  // a leaf with more becomes a branch
	deepest  = 12 // where the hash has no bits left: there a leaf has any number
)

// seed differs in each process, so that nobody can choose names that fall into one leaf: a peer chooses the names of its
// methods. All maps have the same one, since their hashes are compared.
var seed = maphash.MakeSeed()

// Map is a map that never changes. The zero value is empty. Iteration has no particular order.
type Map[V comparable] struct {
	root  *node[V]
	count int
}

// node is a leaf, or a branch if it has kids. One that a finished map has does not change any more: what it holds may be shared
// by any number of maps.
type node[V comparable] struct {
	owner *byte // of the edit that may change it
	kids  *[width]*node[V]
	items []item[V]
}

// item keeps its whole hash, so that a leaf is split and two maps are compared without hashing a key again, and most keys that differ are
// told apart by a number.
type item[V comparable] struct {
	hash  uint64
	key   string
	value V
}

// Len is how many values there are.
func (m Map[V]) Len() int { return m.count }

// Get returns the value of a key.
func (m Map[V]) Get(key string) (value V, ok bool) {
	hash := maphash.String(seed, key)
	if it := m.root.get(hash, hash, key); it != nil {
		return it.value, true
	}
	return value, false
}

// get finds an item at a node; rest is what of the hash no branch above has used.
func (n *node[V]) get(hash, rest uint64, key string) *item[V] {
	for ; n != nil; rest >>= bits {
		if n.kids == nil {
			if at := n.find(hash, key); at >= 0 {
				return &n.items[at]
			}
			return nil
		}
		n = n.kids[rest%width]
	}
	return nil
}

// find is where a leaf has an item; -1 if it has not.
func (n *node[V]) find(hash uint64, key string) int {
	for at := range n.items {
		if it := &n.items[at]; it.hash == hash && it.key == key {
			return at
		}
	}
	return -1
}

// All yields all values by their keys.
func (m Map[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		m.root.each(func(it *item[V]) bool { return yield(it.key, it.value) })
	}
}

// Keys yields all keys.
func (m Map[V]) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		m.root.each(func(it *item[V]) bool { return yield(it.key) })
	}
}

// each yields the items at and below a node, and reports whether all of them were wanted.
func (n *node[V]) each(yield func(*item[V]) bool) bool {
	if n == nil {
		return true
	}
	for at := range n.items {
		if !yield(&n.items[at]) {
			return false
		}
	}
	if n.kids != nil {
		for _, kid := range n.kids {
			if !kid.each(yield) {
				return false
			}
		}
	}
	return true
}

// Changes yields, each once, the keys whose value is another than it was before, or is only there now or only was before.
func (m Map[V]) Changes(before Map[V]) iter.Seq[string] {
	return func(yield func(string) bool) { changes(before.root, m.root, 0, yield) }
}

// changes compares two nodes at the same place. What they share is the same memory and is not looked into, which is what makes it
// cost the difference; a leaf that became a branch, or was one, is compared item by item.
func changes[V comparable](a, b *node[V], depth int, yield func(string) bool) bool {
	switch {
	case a == b:
		return true
	case a != nil && b != nil && a.kids != nil && b.kids != nil:
		for at := range width {
			if !changes(a.kids[at], b.kids[at], depth+1, yield) {
				return false
			}
		}
		return true
	}
	rest := func(it *item[V]) uint64 { return it.hash >> (depth * bits) }
	return a.each(func(it *item[V]) bool {
		other := b.get(it.hash, rest(it), it.key)
		return other != nil && other.value == it.value || yield(it.key)
	}) && b.each(func(it *item[V]) bool {
		return a.get(it.hash, rest(it), it.key) != nil || yield(it.key)
	})
}
