package account

import "sync/atomic"

// Remainder is memory that stays counted until somebody takes it off, once. The zero Remainder is none.
type Remainder struct{ n atomic.Int64 }

// Keep keeps n bytes counted.
func (r *Remainder) Keep(n int) {
	if n > 0 {
		r.n.Store(int64(n))
	}
}

// Take returns what was kept, for [Account.Give].
func (r *Remainder) Take() int {
	if r.n.Load() == 0 {
		return 0 // the usual case, without a write
	}
	return int(r.n.Swap(0))
}
