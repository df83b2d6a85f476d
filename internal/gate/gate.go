// Package gate closes the way to memory that is used again, while others may still be on it.
package gate

import "sync/atomic"

// Gate lets users through until it is closed. The zero Gate is open. All methods are safe for concurrent use.
type Gate struct {
	// users is how many are inside, and closed more once it is closed.
	users atomic.Int32
}

const closed = 1 << 30

// Enter lets a user through, who leaves again, or answers false once the gate is closed.
func (g *Gate) Enter() bool {
	if g.users.Add(1) < closed {
		return true
	}
	g.Leave()
	return false
}

// Leave ends what a successful Enter has begun.
func (g *Gate) Leave() { g.users.Add(-1) }

// Close closes the gate. It reports whether this call was the one that did, and whether nobody was inside then: from
// now on nobody will be, and what is behind the gate is the caller's alone.
func (g *Gate) Close() (first, alone bool) {
	for {
		users := g.users.Load()
		if users >= closed {
			return false, false
		}
		if g.users.CompareAndSwap(users, users+closed) {
			return true, users == 0
		}
	}
}
