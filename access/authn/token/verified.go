package token

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/access/authn/internal/digest"
)

const (
	sets = 1024 // places for verified tokens, by their hash
	ways = 4    // tokens in each: 4096 in all
)

// entry is a token that held. It is immutable.
type entry struct {
	digest    digest.Digest
	principal *access.Principal
	until     time.Time     // when its time is over
	ring      *ring         // of its issuer
	keys      digest.Digest // of the key set that it held by
}

// holds reports whether the token would be taken now: not after its time, and not after the keys of its issuer have changed.
func (e *entry) holds(now time.Time) bool {
	return now.Before(e.until) && e.ring.set.Load().digest == e.keys
}

// verified remembers tokens that held. Looking one up takes no lock and allocates nothing; what is remembered is bounded by
// construction. Only tokens that held get in, so that nobody without one can push others out.
type verified struct {
	entries [sets][ways]atomic.Pointer[entry]
}

// place is taken from the hash, which nobody can choose.
func place(d *digest.Digest) uint64 { return binary.LittleEndian.Uint64(d[:8]) }

// find is the entry of a token that still holds; nil without one.
func (v *verified) find(d *digest.Digest, now time.Time) *entry {
	row := &v.entries[place(d)%sets]
	for i := range row {
		if e := row[i].Load(); e != nil && e.digest == *d && e.holds(now) {
			return e
		}
	}
	return nil
}

// add remembers a token: in the place of the same one, of one that does not hold any more, or else of any.
func (v *verified) add(e *entry, now time.Time) {
	// Two that add at once may both take the same place; the one that loses is verified again when it is next shown.
	row := &v.entries[place(&e.digest)%sets]
	at := int(place(&e.digest) / sets % ways)
	for i := range row {
		old := row[i].Load()
		if old != nil && old.digest == e.digest {
			at = i
			break
		}
		if old == nil || !old.holds(now) {
			at = i
		}
	}
	row[at].Store(e)
}
