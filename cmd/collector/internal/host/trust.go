package host

import (
	"context"

	"github.com/collectiverpc/collective/internal/watch"
)

// followAccess has the guard read its files again when they change, and with SIGHUP. The guard logs what it could not use.
func (c *Config) followAccess(ctx context.Context) (stop func()) {
	if c.Access == nil {
		return func() {}
	}
	if c.Reload != nil {
		c.Reload.Add("callers and policies", c.Access.Reload)
	}
	unfollow := watch.Files(ctx, c.Access.Files(), func() { _ = c.Access.Reload() }) // it logs
	return func() { unfollow(); c.Access.Close() }
}
