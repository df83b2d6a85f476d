package catalog

import "sync"

// Teller is what a peer was told over one link, and holds. The zero value has told nothing. Its methods are safe for concurrent
// use.
// It is one link's, and goes with it: what a peer holds by another link may have been told to an earlier run of it.
type Teller struct {
	mu       sync.Mutex
	revision uint64 // of the last announcement
	told     state
	full     bool // it was a full set
	taken    bool // the peer is done with it
	holds    state
	base     uint64 // the revision by which the peer holds that; 0 for nothing
	begun    bool
}

// state is what was told: a number of Own, after an agreement.
// Both count: another agreement shares other namespaces, so that changes since a number would leave out what is shared only now.
type state struct {
	number, agreement uint64
}

// Next makes the announcement of what there is now in the namespaces of an agreement, which are sorted. It is nil if the peer has
// been told, or is not done with what it was told; only that this collector is leaving does not wait. What is made counts as told:
// the caller sends it, in the order in which it was made.
func (t *Teller) Next(o *Own, agreement uint64, shared []string) (revision uint64, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := state{o.number, agreement}
	switch {
	case t.begun && !t.taken && !o.Leaving:
		return 0, nil
	case t.begun && t.told == now && (!t.taken || t.holds == now || t.full):
		return 0, nil
	}
	t.revision++
	t.begun, t.taken, t.told = true, false, now
	t.full = true
	if o.Leaving {
		return t.revision, goodbye()
	}
	if t.base != 0 && t.holds.agreement == agreement {
		if data, ok := o.since(t.holds.number, t.base, shared); ok {
			t.full = false
			return t.revision, data
		}
	}
	return t.revision, o.full(shared)
}

// Taken notes that the peer is done with an announcement, and those before it, and whether it holds what that told.
func (t *Teller) Taken(revision uint64, holds bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if revision != t.revision {
		return // another is on its way
	}
	t.taken = true
	if t.base = 0; holds {
		t.holds, t.base = t.told, revision
	}
}
