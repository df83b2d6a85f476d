// Package recall remembers answers that can be made again.
//
//	table    a map that is read without a lock, and is never written once readers have it
//	recent   what has been put in since, under a lock, with all that the table has
//	promote  recent becomes the table once as many look-ups have needed the lock as it has entries
//
// So a key that is asked for again and again is soon found without a lock, and putting keys in costs no more than one copy
// for each doubling of them. When there are as many as may be, all are forgotten: what is asked for comes back by itself, and
// a flood of keys that are never asked for again costs no more memory than the bound.
package recall

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Map remembers at most so many values. Make it with [New]. It is safe for concurrent use.
type Map[K comparable, V any] struct {
	table atomic.Pointer[map[K]V]
	most  int

	mu     sync.Mutex
	recent map[K]V // nil while the table has all
	slow   int     // look-ups that needed the lock since the table was made
}

// New makes an empty map that holds at most so many values, at least one.
func New[K comparable, V any](most int) *Map[K, V] {
	m := &Map[K, V]{most: max(most, 1)}
	m.table.Store(new(map[K]V))
	return m
}

// Get is the value of a key, and whether there is one. Of a key that is asked for often it takes no lock.
func (m *Map[K, V]) Get(key K) (V, bool) {
	value, ok := (*m.table.Load())[key]
	if ok {
		return value, true
	}
	return m.getRecent(key)
}

func (m *Map[K, V]) getRecent(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.recent[key]
	if !ok { // made, or promoted, in between
		value, ok = (*m.table.Load())[key]
		return value, ok
	}
	m.slow++
	if m.slow >= len(m.recent) {
		table := m.recent
		m.table.Store(&table)
		m.recent, m.slow = nil, 0
	}
	return value, true
}

// Put remembers a value, unless somebody was faster: then it gives theirs, so that all who ask have one.
func (m *Map[K, V]) Put(key K, value V) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recent == nil {
		m.recent = maps.Clone(*m.table.Load())
	}
	if m.recent == nil {
		m.recent = make(map[K]V)
	}
	if first, ok := m.recent[key]; ok {
		return first
	}
	if len(m.recent) >= m.most {
		m.table.Store(new(map[K]V))
		m.recent, m.slow = make(map[K]V), 0
	}
	m.recent[key] = value
	return value
}

// Len is how many values are remembered.
func (m *Map[K, V]) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(len(m.recent), len(*m.table.Load()))
}
