package link

import "iter"

// slots finds calls by their ids. Ids only grow and most calls are short, so a call lies at its id modulo the size of a
// ring; one that is still there when its place is needed again moves to a map.
type slots[C any] struct {
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

func (s *slots[C]) len() int { return s.filled + len(s.long) }

func (s *slots[C]) place(id uint64) *slot[C] { return &s.ring[id>>1&uint64(len(s.ring)-1)] } // ids of one end are all odd, or all even

// put adds a call whose id is not there.
func (s *slots[C]) put(id uint64, call *C) {
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

func (s *slots[C]) keepLong(old slot[C]) {
	if s.long == nil {
		s.long = make(map[uint64]*C)
	}
	s.long[old.id] = old.call
}

func (s *slots[C]) grow() {
	old := s.ring
	s.ring, s.filled = make([]slot[C], max(minSlots, 2*len(old))), 0
	for _, moved := range old {
		if moved.call != nil {
			s.put(moved.id, moved.call)
		}
	}
}

// get returns nil if there is no such call.
func (s *slots[C]) get(id uint64) *C {
	if len(s.ring) == 0 {
		return nil
	}
	if at := s.place(id); at.call != nil && at.id == id {
		return at.call
	}
	return s.long[id]
}

// take removes a call and returns it, or nil if there is none.
func (s *slots[C]) take(id uint64) *C {
	call := s.get(id)
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

// all visits every call, in no order.
func (s *slots[C]) all() iter.Seq2[uint64, *C] {
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
