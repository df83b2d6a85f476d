package registry

import (
	"context"
	"fmt"
	"maps"
	"sync/atomic"
	"time"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// Registry holds the schemas of a collector. It is safe for concurrent use: readers see an immutable view and never
// wait, writers take turns.
type Registry struct {
	limits    Limits
	sources   *descriptor.Sources
	authorize func(context.Context) error
	storage   storage
	turn      chan struct{} // holds a token while someone changes the registry
	view      atomic.Pointer[view]
}

var _ collectorconnect.CollectorRegistryHandler = (*Registry)(nil)

// New makes a registry of what its database holds, or an empty one.
func New(ctx context.Context, opts ...Option) (*Registry, error) {
	o := options{authorize: fromThisMachine}
	for _, opt := range opts {
		opt.apply(&o)
	}
	r := &Registry{
		limits: o.limits.orDefaults(), sources: descriptor.NewSources(o.sources),
		authorize: o.authorize, storage: memory{}, turn: make(chan struct{}, 1),
	}
	if o.file != nil {
		r.storage = &database{file: o.file}
	}
	loaded, err := r.storage.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("load registry: %w", err)
	}
	r.view.Store(loaded)
	return r, nil
}

// RegisterHandler puts the CollectorRegistry service on a server. Everyone may ask it; for who may register see
// [WithRegistrar].
func (r *Registry) RegisterHandler(server *connect.Server) {
	collectorconnect.RegisterCollectorRegistryHandler(server, guarded{r, r.authorize})
}

// change is what is different in a namespace after a request; the store keeps it.
type change struct {
	space    *space
	files    []*descriptor.File // new or different
	services []*service         // registered; new or different
	dropped  []string           // full names of registered services that are gone
}

func (c *change) empty() bool { return len(c.files)+len(c.services)+len(c.dropped) == 0 }

// update changes one namespace. edit changes the next version of it and says what of that is to be kept; nothing
// happens if it fails or changed is false. Writers wait for each other here, in a way that ctx can end.
func (r *Registry) update(
	ctx context.Context, namespace string, edit func(*view, *spaceEdit) (kept *change, changed bool, err error),
) (revision uint64, err error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	current := r.view.Load()
	next := current.edit(namespace)
	kept, changed, err := edit(current, next)
	if err != nil || !changed {
		return current.revision, err
	}
	if kept != nil {
		if err := r.storage.save(ctx, kept); err != nil {
			return current.revision, err
		}
	}
	published := current.with(next.done())
	r.view.Store(published)
	return published.revision, nil
}

func (v *view) edit(namespace string) *spaceEdit {
	if n, ok := v.spaces[namespace]; ok {
		return n.edit()
	}
	return newSpace(namespace).edit()
}

// with is the view after a change of one namespace.
func (v *view) with(n *space) *view {
	next := &view{revision: v.revision + 1, spaces: maps.Clone(v.spaces)}
	if n.empty() {
		delete(next.spaces, n.name)
	} else {
		next.spaces[n.name] = n
	}
	return next
}

// firstRevision begins the revisions of a run of the process. They stay ahead of those of earlier runs, of which epoch
// is the last one, even if the clock went back.
func firstRevision(epoch uint64) (next, revision uint64) {
	next = max(epoch+1, uint64(max(0, time.Now().Unix())))
	return next, next << 32
}
