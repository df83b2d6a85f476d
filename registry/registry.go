package registry

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// Registry holds the schemas of a collector. It is safe for concurrent use: readers see an immutable view and never
// wait, writers take turns.
type Registry struct {
	limits    Limits // with defaults; never changed
	sources   *descriptor.Sources
	authorize func(context.Context) error
	storage   storage
	turn      *semaphore.Weighted // of one, that of whoever changes the registry: a mutex whose wait a context can end
	view      atomic.Pointer[view]
}

var _ collectorconnect.CollectorRegistryHandler = (*Registry)(nil)

// New makes a registry of what its database holds, or an empty one.
func New(ctx context.Context, opts ...Option) (*Registry, error) {
	o := options{authorize: byCollector}
	for _, opt := range opts {
		opt.apply(&o)
	}
	r := &Registry{
		limits: o.limits.orDefaults(), sources: descriptor.NewSources(o.sources),
		authorize: o.authorize, storage: memory{}, turn: semaphore.NewWeighted(1),
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

// LimitTexts is every limit by name, with its unit, as a collector prints them at start and answers them by
// MeshService.GetStatus.
func (r *Registry) LimitTexts() map[string]string {
	return map[string]string{
		"registered file":       strconv.Itoa(r.limits.FileBytes>>10) + " KiB",
		"registered fields":     strconv.Itoa(r.limits.Fields),
		"registered files":      strconv.Itoa(r.limits.Files),
		"registered schemas":    strconv.Itoa(r.limits.TotalBytes>>10) + " KiB",
		"registered namespaces": strconv.Itoa(r.limits.Namespaces),
		"registered imports":    strconv.Itoa(r.limits.Dependencies),
		"registered nesting":    strconv.Itoa(r.limits.Depth),
	}
}

// update changes one namespace. edit changes the next version of it and says what of that is to be kept; nothing
// happens if it fails or changed is false. Writers wait for each other here, in a way that ctx can end.
func (r *Registry) update(
	ctx context.Context, namespace string, edit func(*view, *namespaceEdit) (kept *change, changed bool, err error),
) (revision uint64, err error) {
	if err := r.turn.Acquire(ctx, 1); err != nil {
		return 0, err
	}
	defer r.turn.Release(1)
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
