package registry

import "context"

// storage keeps what requests register.
type storage interface {
	// load reads everything and begins a new run of revisions.
	load(ctx context.Context) (*view, error)
	// save writes a change; when it returns nil, the change survives kill -9 and power loss.
	save(ctx context.Context, c *change) error
}

// memory keeps nothing.
type memory struct{}

func (memory) load(context.Context) (*view, error) {
	_, revision := firstRevision(0)
	return &view{revision: revision, spaces: make(map[string]*space)}, nil
}

func (memory) save(context.Context, *change) error { return nil }
