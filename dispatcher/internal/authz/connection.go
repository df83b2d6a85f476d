package authz

import (
	"context"
	"crypto/subtle"
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
	key   atomic.Pointer[keyProof]
	last  atomic.Pointer[access.Caller]
}

// proof is what the connection itself, such as its certificate, has shown.
type proof struct {
	principal *access.Principal
	revision  uint64 // of the guard
	until     time.Time
}

// keyProof is the API key that was shown last, and whose it is: most connections show the same one with each request, and its
// hash costs more than all else that is done to find its holder. It ends with the connection, and with the revision of the guard,
// so that a key which was removed from its file counts no longer.
type keyProof struct {
	key       string
	principal *access.Principal
	revision  uint64
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

// keyHolder is whose an API key is, if it is the one that was shown last; nil if that is not known, or not any more.
func (c *Connection) keyHolder(key string, revision uint64) *access.Principal {
	if c == nil {
		return nil
	}
	k := c.key.Load()
	if k == nil || k.revision != revision || subtle.ConstantTimeCompare([]byte(k.key), []byte(key)) == 0 {
		return nil
	}
	return k.principal
}

// rememberKey is for a key that was shown alone, and believed: beside a token or a certificate it would have to be judged each time
// whose call it is.
func (c *Connection) rememberKey(k *keyProof) {
	if c != nil {
		c.key.Store(k)
	}
}

// remember is for what the connection alone has shown. Requests of HTTP/2 that come at once may each find it; the last one stays, and
// all are as good.
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
