package session

import (
	"sync"
	"time"

	"github.com/collectiverpc/collective/access"
)

// callers are the callers of one principal, by where they come in.
type callers struct{ known sync.Map }

// at makes a caller once. There are few origins that one browser can have.
func (c *callers) at(principal *access.Principal, origin access.Origin) *access.Caller {
	if known, ok := c.known.Load(origin); ok {
		return known.(*access.Caller)
	}
	known, _ := c.known.LoadOrStore(origin, access.NewCaller(principal, origin))
	return known.(*access.Caller)
}

// bucket allows a burst, and one more each time that has passed.
type bucket struct {
	most  int
	every time.Duration

	spent int
	since time.Time // of which spent has been counted
}

// take spends one, if there is one left.
func (b *bucket) take(now time.Time) bool {
	if regained := int(now.Sub(b.since) / b.every); regained > 0 {
		b.spent = max(0, b.spent-regained)
		b.since = now
	}
	if b.spent >= b.most {
		return false
	}
	b.spent++
	return true
}
