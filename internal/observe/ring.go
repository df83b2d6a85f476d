package observe

import "sync/atomic"

// ring holds the last calls. Adding is wait-free; readers look at it without disturbing anyone.
type ring struct {
	slots []atomic.Pointer[Call]
	last  atomic.Uint64 // number of the newest call; the first is 1
}

func newRing(size int) *ring { return &ring{slots: make([]atomic.Pointer[Call], size)} }

func (r *ring) add(c *Call) {
	c.seq = r.last.Add(1)
	r.slot(c.seq).Store(c)
}

func (r *ring) slot(seq uint64) *atomic.Pointer[Call] { return &r.slots[seq%uint64(len(r.slots))] }

// oldest is the number of the oldest call that may still be here.
func (r *ring) oldest() uint64 {
	last, size := r.last.Load(), uint64(len(r.slots))
	if last <= size {
		return 1
	}
	return last - size + 1
}

// get returns the call with a number. It is nil if that call is on its way in; gone if a newer one took its place.
func (r *ring) get(seq uint64) (c *Call, gone bool) {
	c = r.slot(seq).Load()
	switch {
	case c == nil || c.seq < seq:
		return nil, false
	case c.seq > seq:
		return nil, true
	}
	return c, false
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
