package pace

import (
	"sync/atomic"
	"time"
)

// Rate is the pace of a bucket. It is comparable.
type Rate struct {
	Every time.Duration // from one token to the next, at least 1 ns
	Burst int           // tokens that may be saved, at least 1
}

// Bucket has the tokens of somebody. It is full at first. It is safe for concurrent use.
type Bucket struct {
	every, burst int64        // nanoseconds: of a token, and of all that may be saved
	idleAt       atomic.Int64 // when it will be full, in Unix nanoseconds; in the past while it is
}

func newBucket(r Rate) *Bucket {
	every := max(int64(r.Every), 1)
	return &Bucket{every: every, burst: every * int64(max(r.Burst, 1))}
}

// Take takes a token at a time in Unix nanoseconds. If there is none it takes nothing, and wait is how long until there is
// one. A clock that goes back makes tokens late by as much, never early.
func (b *Bucket) Take(now int64) (wait time.Duration) {
	for {
		idleAt := b.idleAt.Load()
		next := max(idleAt, now) + b.every
		if early := next - b.burst - now; early > 0 {
			return time.Duration(early)
		}
		if b.idleAt.CompareAndSwap(idleAt, next) {
			return 0
		}
	}
}

// Return gives back a token that was taken and not used.
func (b *Bucket) Return() { b.idleAt.Add(-b.every) }

// idle reports whether the bucket is full.
func (b *Bucket) idle(now int64) bool { return b.idleAt.Load() <= now }
