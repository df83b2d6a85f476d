package registry

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// maxAnswers bounds a cache; what calls name is foreign, so misses could fill any memory.
const maxAnswers = 10_000

// answerCache holds the answers of one revision of a remote registry. Readers take no lock.
type answerCache struct {
	mu      sync.Mutex // for writers
	current atomic.Pointer[answers]
}

// answers is immutable.
type answers struct {
	revision   uint64
	size       int
	namespaces map[string]*table[*answer] // by namespace
}

// clear makes a cache ready, and forgets what is in it.
func (c *answerCache) clear() {
	c.current.Store(&answers{namespaces: make(map[string]*table[*answer])})
}

// get does not look at the time: whether an answer is still believed is the validator's to say.
func (c *answerCache) get(namespace string, k key) (*answer, bool) {
	methods, ok := c.current.Load().namespaces[namespace]
	if !ok {
		return nil, false
	}
	return methods.get(k)
}

// answer is what the registry says about a method. It is immutable.
type answer struct {
	err     error  // nil: the method may be called
	service string // full name
	input   string // full name of the message
	until   time.Time
}

// put adds an answer of a revision and drops all answers of another one. An answer that was overtaken by one of a newer
// revision drops that too, which costs a question, but a registry that lost its memory is believed again.
func (c *answerCache) put(revision uint64, namespace string, k key, a *answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.current.Load()
	next := &answers{revision: revision, size: held.size + 1, namespaces: maps.Clone(held.namespaces)}
	if revision != held.revision || held.size >= maxAnswers {
		next.size, next.namespaces = 1, make(map[string]*table[*answer])
	}
	methods, ok := next.namespaces[namespace]
	if !ok {
		methods = newTable[*answer]()
	}
	edit := methods.edit()
	edit.set(k, a)
	next.namespaces[namespace] = edit.done()
	c.current.Store(next)
}
