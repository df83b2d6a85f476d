package observe

import (
	"sync"
	"sync/atomic"
)

// ring holds the last calls by value: remembering one allocates nothing once the ring has gone round. Each slot has a
// mutex of its own, which two calls only share when one of them is a whole round late.
type ring struct {
	size   uint64
	blocks []atomic.Pointer[block] // made when they are first written to, so that an idle collector has none
	last   atomic.Uint64           // number of the newest call; the first is 1
}

const blockSize = 64

type block [blockSize]slot

type slot struct {
	mu   sync.Mutex
	call Call
}

func newRing(size int) *ring {
	return &ring{size: uint64(size), blocks: make([]atomic.Pointer[block], (size+blockSize-1)/blockSize)}
}

func (r *ring) add(c *Call) {
	seq := r.last.Add(1)
	s := r.slotFor(seq)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call.seq < seq {
		s.call = *c
		s.call.seq = seq
	}
}

// slotFor returns the slot of a call that comes in.
func (r *ring) slotFor(seq uint64) *slot {
	place := &r.blocks[seq%r.size/blockSize]
	if place.Load() == nil {
		place.CompareAndSwap(nil, new(block))
	}
	return &place.Load()[seq%r.size%blockSize]
}

// oldest is the number of the oldest call that may still be here.
func (r *ring) oldest() uint64 {
	last := r.last.Load()
	if last <= r.size {
		return 1
	}
	return last - r.size + 1
}

// get returns a copy of the call with a number. It is nil if that call is on its way in; gone if a newer one took its
// place.
func (r *ring) get(seq uint64) (c *Call, gone bool) {
	written := r.blocks[seq%r.size/blockSize].Load()
	if written == nil {
		return nil, false
	}
	s := &written[seq%r.size%blockSize]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.call.seq < seq:
		return nil, false
	case s.call.seq > seq:
		return nil, true
	}
	found := s.call
	return &found, false
}

// cursor is a watcher's place in a ring.
type cursor struct {
	ring *ring
	read uint64 // number of the last call it has seen
}

// next hands the calls since the last time to visit, oldest first, until that wants no more. It returns how many were
// lost because the reader was too slow.
func (c *cursor) next(visit func(*Call) bool) (lost uint64) {
	if oldest := c.ring.oldest(); c.read+1 < oldest {
		lost = oldest - 1 - c.read
		c.read = oldest - 1
	}
	for last := c.ring.last.Load(); c.read < last; {
		call, gone := c.ring.get(c.read + 1)
		if call == nil && !gone {
			return lost // it is on its way in
		}
		c.read++
		if gone {
			lost++
			continue
		}
		if !visit(call) {
			return lost
		}
	}
	return lost
}

// skip leaves out what the reader has not seen yet and returns how many those are.
func (c *cursor) skip() uint64 {
	last := c.ring.last.Load()
	lost := last - c.read
	c.read = last
	return lost
}
