package registry

import (
	"hash/maphash"
	"iter"
	"math/bits"
	"slices"
)

// key is what tables are searched by: a name, or a name and a method.
type key struct{ name, method string }

// table is a hash map of which each version is immutable, so that readers need no lock, and a new version is cheap:
// it shares all buckets but those that changed. The zero value is not usable; see newTable.
//
// Invariant: an entry is in bucket hash & (len(buckets)-1), len(buckets) is a power of two, and no key is in it twice.
type table[V any] struct {
	seed    maphash.Seed // secret, so that nobody can choose names that share a bucket
	buckets [][]entry[V] // neither the slices nor what they hold is ever written to
	size    int
}

type entry[V any] struct {
	hash  uint64
	key   key
	value V
}

const firstBuckets = 8

// newTable is an empty table with a seed of its own.
func newTable[V any]() *table[V] {
	return &table[V]{seed: maphash.MakeSeed(), buckets: make([][]entry[V], firstBuckets)}
}

// hash mixes the two parts unequally: a name and a method that change places are another key.
func (t *table[V]) hash(k key) uint64 {
	return bits.RotateLeft64(maphash.String(t.seed, k.name), 32) ^ maphash.String(t.seed, k.method)
}

// get does not allocate.
func (t *table[V]) get(k key) (value V, ok bool) {
	hash := t.hash(k)
	bucket := t.buckets[hash&uint64(len(t.buckets)-1)]
	for i := range bucket {
		if e := &bucket[i]; e.hash == hash && e.key == k {
			return e.value, true
		}
	}
	return value, false
}

// all goes through the table in no order.
func (t *table[V]) all() iter.Seq2[key, V] {
	return func(yield func(key, V) bool) {
		for _, bucket := range t.buckets {
			for _, e := range bucket {
				if !yield(e.key, e.value) {
					return
				}
			}
		}
	}
}

// edit starts a next version. The table stays as it is.
func (t *table[V]) edit() *tableEdit[V] {
	return &tableEdit[V]{table[V]{seed: t.seed, buckets: slices.Clone(t.buckets), size: t.size}}
}

// tableEdit is a version of a table that is being made, by one goroutine.
type tableEdit[V any] struct{ table[V] }

// done is the new version. The edit must not be used after it.
func (e *tableEdit[V]) done() *table[V] { return &e.table }

// set replaces what is there. Growing at one entry for each bucket costs memory for pointers, and saves a look-up from walking
// over entries that are not its own.
func (e *tableEdit[V]) set(k key, value V) {
	e.remove(k)
	if e.size >= len(e.buckets) {
		e.grow()
	}
	hash := e.hash(k)
	at := hash & uint64(len(e.buckets)-1)
	e.buckets[at] = append(slices.Clip(e.buckets[at]), entry[V]{hash, k, value})
	e.size++
}

// remove leaves the bucket alone that older versions share, and makes another.
func (e *tableEdit[V]) remove(k key) {
	hash := e.hash(k)
	at := hash & uint64(len(e.buckets)-1)
	for i, held := range e.buckets[at] {
		if held.hash == hash && held.key == k {
			e.buckets[at] = slices.Concat(e.buckets[at][:i], e.buckets[at][i+1:])
			e.size--
			return
		}
	}
}

// grow doubles the buckets. None is shared with an older version after it.
func (e *tableEdit[V]) grow() {
	wider := make([][]entry[V], 2*len(e.buckets))
	for _, bucket := range e.buckets {
		for _, held := range bucket {
			at := held.hash & uint64(len(wider)-1)
			wider[at] = append(wider[at], held)
		}
	}
	e.buckets = wider
}
