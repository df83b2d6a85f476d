// Package account counts what a link holds for its other end, in bytes of memory, and keeps it within a limit.
//
// What is counted is what was allocated, not what came: a small message lies in a buffer, a call has a goroutine, and a few
// bytes of metadata are a map. A large message is arriving for long, and many of them at once are more than the limit. So
// its memory is promised before more of it is asked for than a window, in the order in which they ask: those that have a
// promise will be whole, and make room for those that wait.
//
// # Words
//
//	held     what the link holds, and what it has promised to hold
//	limit    the most of that
//	share    what calls may hold of the limit: the rest is left for catalogs
//	promise  memory for the rest of a message that is arriving
//	waiter   a message that wants a promise
package account

import (
	"slices"
	"sync"
	"sync/atomic"
)

const (
	// catalogs is which part of the limit calls leave alone, promises which part of the limit promises take at most: what
	// waits for them needs room too.
	catalogs = 4
	promises = 4
)

// Account is what one link holds. All methods are safe for concurrent use.
type Account struct {
	held  atomic.Int64
	limit atomic.Int64
	waits atomic.Int32 // waiters, and those that are about to be

	mu       sync.Mutex
	promised atomic.Int64 // of held, for messages that are arriving; raised under mu
	waiting  []Waiter
}

// Waiter is told when memory was given back.
type Waiter interface {
	// Resume asks for the promise again, if it is still wanted, and reports whether the next one may.
	Resume() bool
}

// SetLimit changes the limit.
func (a *Account) SetLimit(n int) { a.limit.Store(int64(n)) }

// Limit is the limit.
func (a *Account) Limit() int { return int(a.limit.Load()) }

// Held is what is held now.
func (a *Account) Held() int { return int(a.held.Load()) }

// share is what calls may hold.
func (a *Account) share() int64 {
	limit := a.limit.Load()
	return limit - limit/catalogs
}

// Room reports whether a call may hold n bytes more.
func (a *Account) Room(n int) bool { return a.held.Load()+int64(n) <= a.share() }

// Take counts n bytes of a call, and reports whether it may hold them.
func (a *Account) Take(n int) bool { return a.held.Add(int64(n)) <= a.share() }

// TakeAny counts n bytes of anything, and reports whether the link may hold them.
func (a *Account) TakeAny(n int) bool { return a.held.Add(int64(n)) <= a.limit.Load() }

// Give counts n bytes off. [Account.Wake] has to follow, without any lock of a waiter.
func (a *Account) Give(n int) { a.held.Add(-int64(n)) }

// Promise promises n bytes more to a message that will have size of them, or makes w wait for it.
func (a *Account) Promise(n, size int, w Waiter) bool {
	a.waits.Add(1) // whoever gives back from now on looks for w
	a.mu.Lock()
	defer a.mu.Unlock()
	promised := a.promised.Load()
	if (promised > 0 && promised+int64(size) > a.limit.Load()/promises) || !a.Room(n) {
		a.waiting = append(a.waiting, w)
		return false
	}
	a.waits.Add(-1)
	a.promised.Add(int64(size))
	a.held.Add(int64(n))
	return true
}

// Keep notes that a message is whole, or given up: the promise of size bytes is not needed any more. left is what of it was not
// used. [Account.Wake] has to follow, as after Give.
func (a *Account) Keep(size, left int) {
	a.promised.Add(-int64(size))
	a.held.Add(-int64(left))
}

// Forget makes w wait no more.
func (a *Account) Forget(w Waiter) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at := slices.Index(a.waiting, w); at >= 0 {
		a.waiting = slices.Delete(a.waiting, at, at+1)
		a.waits.Add(-1)
	}
}

// Wake lets those that wait ask again, the first first, as long as they get what they ask for.
func (a *Account) Wake() {
	for a.waits.Load() > 0 {
		w := a.first()
		if w == nil || !w.Resume() {
			return
		}
	}
}

func (a *Account) first() Waiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.waiting) == 0 {
		return nil
	}
	w := a.waiting[0]
	a.waiting = slices.Delete(a.waiting, 0, 1)
	a.waits.Add(-1)
	return w
}
