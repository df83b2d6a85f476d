package cow

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Map is a map that is read without a lock and copied by each write. The zero value is empty and ready. All methods are
// safe for concurrent use.
type Map[K comparable, V any] struct {
	writing sync.Mutex
	current atomic.Pointer[map[K]V]
}

// Snapshot returns the map of this moment, nil while it is empty. Do not modify it.
func (m *Map[K, V]) Snapshot() map[K]V {
	if at := m.current.Load(); at != nil {
		return *at
	}
	return nil
}

// Get returns the value of a key of this moment.
func (m *Map[K, V]) Get(key K) (V, bool) {
	value, ok := m.Snapshot()[key]
	return value, ok
}

// Set puts a value in the place of the one that the key has.
func (m *Map[K, V]) Set(key K, value V) {
	m.writing.Lock()
	defer m.writing.Unlock()
	next := With(m.Snapshot(), key, value)
	m.current.Store(&next)
}

// Remember is Set for what can be made again: where there are most values already, all of them are forgotten first.
func (m *Map[K, V]) Remember(key K, value V, most int) {
	m.writing.Lock()
	defer m.writing.Unlock()
	var next map[K]V
	if held := m.Snapshot(); len(held) < most {
		next = held
	}
	next = With(next, key, value)
	m.current.Store(&next)
}

// Delete takes a key out, if it is there.
func (m *Map[K, V]) Delete(key K) {
	m.writing.Lock()
	defer m.writing.Unlock()
	next := Without(m.Snapshot(), key)
	m.current.Store(&next)
}

// With returns a copy of a snapshot with one more value, for snapshots that are part of something larger which is
// replaced as a whole. A nil map is an empty one.
func With[M ~map[K]V, K comparable, V any](snapshot M, key K, value V) M {
	next := maps.Clone(snapshot)
	if next == nil {
		next = make(M, 1)
	}
	next[key] = value
	return next
}

// Without returns a copy of a snapshot without a key.
func Without[M ~map[K]V, K comparable, V any](snapshot M, key K) M {
	next := maps.Clone(snapshot)
	delete(next, key)
	return next
}
