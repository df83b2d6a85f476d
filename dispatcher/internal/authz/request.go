package authz

import (
	"context"
	"net/http"
	"time"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/dispatcher/internal/session"
	"github.com/collectiverpc/collective/internal/localsocket"
	"github.com/collectiverpc/collective/internal/observe"
)

// OfRequest is the caller of a request, or why what it shows of itself is refused: that of its session with the console, or of
// what it shows. Without credentials it allocates nothing. An API key that was believed is taken off the request.
func (a *Authorizer) OfRequest(r *http.Request, entrance observe.Entrance) (*access.Caller, *refusal.Refusal) {
	shown := access.Credentials{TLS: r.TLS, Remote: r.RemoteAddr}
	shown.Socket, _ = localsocket.PeerFromContext(r.Context())
	if refused := a.read(&shown, r.Header[headerAuthorization], r.Header[headerAPIKey]); refused != nil {
		return nil, refused
	}
	network, tls := networkOf(shown.Remote, shown.Socket), 0
	if r.TLS != nil {
		tls = 1
	}
	if opened := session.FromContext(r.Context()); opened != nil {
		delete(r.Header, headerAPIKey) // which nobody has looked at, and which is no handler's either
		return opened.Caller(access.Origin{Network: networkWords[network], TLS: tls == 1, Entrance: string(entrance)}), nil
	}
	if !shown.Any() {
		return a.anonymous[entrance][network][tls], nil
	}
	c := connectionOf(r.Context())
	p, refused := a.principal(r.Context(), c, &shown)
	if refused != nil {
		return nil, refused
	}
	if p != access.Nobody {
		delete(r.Header, headerAPIKey)
	}
	return c.callerOf(p, access.Origin{Network: networkWords[network], TLS: tls == 1, Entrance: string(entrance)}), nil
}

// principal is who shows credentials. Those of the connection alone are looked at once, until they may count no more, and an API key
// that is all that is shown as long as it is the same.
func (a *Authorizer) principal(ctx context.Context, c *Connection, shown *access.Credentials) (*access.Principal, *refusal.Refusal) {
	perRequest := shown.Authorization != "" || shown.APIKey != ""
	if p := c.remembered(a.Guard.Revision()); p != nil && !perRequest {
		return p, nil
	}
	revision := a.Guard.Revision()
	keyAlone := shown.APIKey != "" && shown.Authorization == "" && shown.Socket == nil && !certified(shown)
	if keyAlone {
		if p := c.keyHolder(shown.APIKey, revision); p != nil {
			return p, nil
		}
	}
	authenticate := a.Guard.Authenticate
	if shown.Socket != nil && !perRequest && a.Socket != nil {
		authenticate = a.Socket.Authenticate
	}
	if refused := a.contradicts(ctx, shown); refused != nil {
		return nil, refused
	}
	p, err := authenticate(ctx, shown)
	if err != nil {
		return nil, notBelieved(err)
	}
	switch {
	case !perRequest:
		c.remember(&proof{principal: p, revision: revision, until: expiry(shown)})
	case keyAlone && p != access.Nobody:
		c.rememberKey(&keyProof{key: shown.APIKey, principal: p, revision: revision})
	}
	return p, nil
}

// certified reports whether the connection has a certificate of the caller.
func certified(shown *access.Credentials) bool {
	return shown.TLS != nil && len(shown.TLS.PeerCertificates) > 0
}

// expiry is when the credentials of a connection count no more: those of a certificate as long as it is valid, since a connection may
// outlive it. Others, as of a unix socket, do not expire by themselves, and are looked at again each hour.
func expiry(shown *access.Credentials) time.Time {
	if !certified(shown) {
		return time.Now().Add(time.Hour)
	}
	return shown.TLS.PeerCertificates[0].NotAfter
}
