package registry

import (
	"context"
	"time"
)

// storage keeps what requests register.
type storage interface {
	// load reads everything and begins a new run of revisions.
	load(ctx context.Context) (*view, error)
	// save writes a change; when it returns nil, the change survives kill -9 and power loss.
	save(ctx context.Context, c *change) error
}

// memory keeps nothing. Its revisions still begin later than those of the run before, unless the clock went back: who cached
// answers of that run hears that they are old.
type memory struct{}

func (memory) load(context.Context) (*view, error) {
	_, revision := firstRevision(0)
	return &view{revision: revision, namespaces: make(map[string]*namespaceIndex)}, nil
}

func (memory) save(context.Context, *change) error { return nil }

// firstRevision begins the revisions of a run of the process. They stay ahead of those of earlier runs, of which epoch
// is the last one, even if the clock went back.
func firstRevision(epoch uint64) (next, revision uint64) {
	next = max(epoch+1, uint64(max(0, time.Now().Unix())))
	return next, next << 32
}
