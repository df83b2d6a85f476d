// Package slots finds calls by their ids.
//
// Words:
//
//	slot  the place of a call in a ring, by its id
//	long  a call that is still there when its slot is needed again
package slots

import "iter"

// Table finds calls of one end by their ids. The zero Table is empty; a lock around it is the user's. Ids only grow and most calls are short, so a call lies at its id modulo the size of a
// ring; one that is still there when its place is needed again moves to a map.
type Table[C any] struct {
	ring   []slot[C] // its length is a power of two
	long   map[uint64]*C
	filled int // of the ring
}

type slot[C any] struct {
	id   uint64
	call *C // nil: empty
}

// The ring grows while more than half of it is in use.
const (
	minSlots = 16
	maxSlots = 4096
)

// Len is how many calls there are.
func (s *Table[C]) Len() int { return s.filled + len(s.long) }

func (s *Table[C]) place(id uint64) *slot[C] { return &s.ring[id>>1&uint64(len(s.ring)-1)] } // ids of one end are all odd, or all even

// Put adds a call whose id is not there.
func (s *Table[C]) Put(id uint64, call *C) {
	if 2*s.filled >= len(s.ring) && len(s.ring) < maxSlots {
		s.grow()
	}
	at := s.place(id)
	if at.call == nil {
		s.filled++
	} else {
		s.keepLong(*at)
	}
	*at = slot[C]{id, call}
}

func (s *Table[C]) keepLong(old slot[C]) {
	if s.long == nil {
		s.long = make(map[uint64]*C)
	}
	s.long[old.id] = old.call
}

func (s *Table[C]) grow() {
	old := s.ring
	s.ring, s.filled = make([]slot[C], max(minSlots, 2*len(old))), 0
	for _, moved := range old {
		if moved.call != nil {
			s.Put(moved.id, moved.call)
		}
	}
}

// Get returns nil if there is no such call.
func (s *Table[C]) Get(id uint64) *C {
	if len(s.ring) == 0 {
		return nil
	}
	if at := s.place(id); at.call != nil && at.id == id {
		return at.call
	}
	return s.long[id]
}

// Remove removes a call and returns it, or nil if there is none.
func (s *Table[C]) Remove(id uint64) *C {
	call := s.Get(id)
	if call == nil {
		return nil
	}
	if at := s.place(id); at.id == id {
		*at = slot[C]{}
		s.filled--
	} else {
		delete(s.long, id)
	}
	return call
}

// All visits every call, in no order. A visited call may be removed meanwhile.
func (s *Table[C]) All() iter.Seq2[uint64, *C] {
	return func(yield func(uint64, *C) bool) {
		for _, at := range s.ring {
			if at.call != nil && !yield(at.id, at.call) {
				return
			}
		}
		for id, call := range s.long {
			if !yield(id, call) {
				return
			}
		}
	}
}
