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

// trust says how links and callers are authenticated, for the start.
func (c *Config) trust() []string {
	lines := []string{"links: " + c.linkTrust()}
	if c.Access != nil {
		lines = append(lines, c.Access.Lines()...)
	}
	return lines
}

// linkTrust says who may link. Package conn refuses the others.
func (c *Config) linkTrust() string {
	switch {
	case c.Identity != nil && c.MeshSecret != nil:
		return "from collectors whose certificate names them, and that know the mesh secret"
	case c.MeshSecret != nil:
		return "from collectors that know the mesh secret, each by its known key"
	case c.Identity != nil:
		return "from collectors whose certificate names them, of the authorities and the trust domain given"
	case c.onLoopback():
		return "from this machine; nothing else reaches " + c.Listen
	}
	return "refused from beyond this machine until there is --mesh-secret-file FILE, --pki DIR, or --trust-domain with certificates"
}
