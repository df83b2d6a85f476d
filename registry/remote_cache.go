package registry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// maxVerdicts bounds a cache; what calls name is foreign, so misses could fill any memory.
const maxVerdicts = 10_000

// verdictCache holds the answers of one revision of a remote registry. Readers take no lock.
type verdictCache struct {
	mu      sync.Mutex // for writers
	current atomic.Pointer[verdicts]
}

// verdicts is immutable.
type verdicts struct {
	revision uint64
	size     int
	spaces   map[string]*table[*verdict] // by namespace
}

func (c *verdictCache) clear() { c.current.Store(&verdicts{spaces: make(map[string]*table[*verdict])}) }

func (c *verdictCache) get(namespace string, k key) (*verdict, bool) {
	space, ok := c.current.Load().spaces[namespace]
	if !ok {
		return nil, false
	}
	return space.get(k)
}

// put adds an answer of a revision and drops all answers of another one. An answer that was overtaken by one of a newer
// revision drops that too, which costs a question, but a registry that lost its memory is believed again.
func (c *verdictCache) put(revision uint64, namespace string, k key, v *verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.current.Load()
	next := &verdicts{revision: revision, size: held.size + 1, spaces: maps.Clone(held.spaces)}
	if revision != held.revision || held.size >= maxVerdicts {
		next.size, next.spaces = 1, make(map[string]*table[*verdict])
	}
	space, ok := next.spaces[namespace]
	if !ok {
		space = newTable[*verdict]()
	}
	edit := space.edit()
	edit.set(k, v)
	next.spaces[namespace] = edit.done()
	c.current.Store(next)
}
