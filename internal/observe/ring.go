package observe

import (
	"slices"
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

// blockSize is in calls; a block has about 14 kB.
const blockSize = 64

// block is a piece of the ring, made as a whole.
type block [blockSize]slot

// slot holds the newest call of all whose numbers are the same modulo the size of the ring.
type slot struct {
	mu   sync.Mutex
	call Call
}

// newRing takes a positive size, in calls.
func newRing(size int) *ring {
	return &ring{size: uint64(size), blocks: make([]atomic.Pointer[block], (size+blockSize-1)/blockSize)}
}

// add gives a call its number and its slot. One that was overtaken by a whole round while it waited for the slot is lost: the
// newer one stays.
func (r *ring) add(c *Call) {
	seq := r.last.Add(1)
	s := r.slotFor(seq)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call.seq < seq {
		s.call = *c
		s.call.seq = seq
		s.call.tidy()
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

// oldest is the number of the oldest call that may still be here. By the time it is asked for, that one may be gone.
func (r *ring) oldest() uint64 {
	last := r.last.Load()
	if last <= r.size {
		return 1
	}
	return last - r.size + 1
}

// presence is what became of a number.
type presence int

const (
	here   presence = iota
	coming          // that call is on its way in
	gone            // a newer call took its place
)

// get returns the call with a number.
func (r *ring) get(seq uint64) (c Call, p presence) {
	written := r.blocks[seq%r.size/blockSize].Load()
	if written == nil {
		return Call{}, coming
	}
	s := &written[seq%r.size%blockSize]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.call.seq < seq:
		return Call{}, coming
	case s.call.seq > seq:
		return Call{}, gone
	}
	return s.call, here
}

// cursor is a reader's place in a ring.
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
	var call Call
	for last := c.ring.last.Load(); c.read < last; {
		var p presence
		if call, p = c.ring.get(c.read + 1); p == coming {
			return lost
		}
		c.read++
		if p == gone {
			lost++
			continue
		}
		if !visit(&call) {
			return lost
		}
	}
	return lost
}

// newest answers the calls since the last time that are selected, oldest first. Of more than most it leaves out the
// oldest. It returns how many were not looked at, for that or because the reader was too slow.
func (c *cursor) newest(most int, selects func(*Call) bool) (calls []Call, lost uint64) {
	last := c.ring.last.Load()
	seq, first := last, max(c.read+1, c.ring.oldest())
	var call Call
	for ; seq >= first && len(calls) < most; seq-- {
		var p presence
		if call, p = c.ring.get(seq); p == gone {
			break
		}
		if p == coming {
			calls, last = nil, seq-1 // so are those after it, for a reader who wants them in order
			continue
		}
		if selects(&call) {
			calls = append(calls, call)
		}
	}
	lost = seq - c.read
	c.read = last
	slices.Reverse(calls)
	return calls, lost
}
