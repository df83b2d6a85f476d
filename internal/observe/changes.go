package observe

import (
	"slices"
	"sync"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// maxChanges is how many changes of connections are remembered.
const maxChanges = 1024

// changes are the last changes of connections. They are never modified once they are here.
type changes struct {
	mu   sync.Mutex
	list []*meshv1.ConnectionChange // oldest first
	seen uint64                     // number of the newest
}

// load begins with what an archive has from earlier runs. Those are the changes up to the number of them; it must come before
// any other change.
func (c *changes) load(earlier []*meshv1.ConnectionChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list, c.seen = earlier, uint64(len(earlier))
}

// add drops the oldest where there are too many.
func (c *changes) add(change *meshv1.ConnectionChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) >= maxChanges {
		c.list = slices.Delete(c.list, 0, len(c.list)-maxChanges+1)
	}
	c.list = append(c.list, change)
	c.seen++
}

// last is the number of the newest change, 0 before the first.
func (c *changes) last() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// since answers the changes after the one with a number, as far as they are remembered, and the number of the newest.
func (c *changes) since(number uint64) ([]*meshv1.ConnectionChange, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fresh := min(c.seen-number, uint64(len(c.list)))
	return slices.Clone(c.list[uint64(len(c.list))-fresh:]), c.seen
}
