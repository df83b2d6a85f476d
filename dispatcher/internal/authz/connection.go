package authz

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/collectiverpc/collective/access"
)

// Connection remembers who is at the other end of a connection of HTTP, so that it is not asked with every request. A nil one
// remembers nothing.
type Connection struct {
	proof atomic.Pointer[proof]
	last  atomic.Pointer[access.Caller]
}

// proof is what the connection itself, such as its certificate, has shown.
type proof struct {
	principal *access.Principal
	revision  uint64 // of the guard
	until     time.Time
}

type connectionKey struct{}

// Remember lets a server remember callers by connection, in addition to what it has in the context of one already.
func Remember(server *http.Server) {
	before := server.ConnContext
	server.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if before != nil {
			ctx = before(ctx, c)
		}
		return context.WithValue(ctx, connectionKey{}, new(Connection))
	}
}

// connectionOf is the connection of a request; nil behind a server that does not [Remember].
func connectionOf(ctx context.Context) *Connection {
	c, _ := ctx.Value(connectionKey{}).(*Connection)
	return c
}

// remembered is who the connection has shown to be; nil if that is not known, or not any more.
func (c *Connection) remembered(revision uint64) *access.Principal {
	if c == nil {
		return nil
	}
	p := c.proof.Load()
	if p == nil || p.revision != revision || !time.Now().Before(p.until) {
		return nil
	}
	return p.principal
}

func (c *Connection) remember(p *proof) {
	if c != nil {
		c.proof.Store(p)
	}
}

// callerOf is the caller of a principal, the same as last time if it is the same.
func (c *Connection) callerOf(p *access.Principal, o access.Origin) *access.Caller {
	if c == nil {
		return access.NewCaller(p, o)
	}
	if last := c.last.Load(); last != nil && last.Principal == p && last.Origin == o {
		return last
	}
	made := access.NewCaller(p, o)
	c.last.Store(made)
	return made
}
