package ingress

import (
	"context"
	"net"
	"net/http"

	"github.com/collectiverpc/collective/dispatcher/internal/ingress/exchange"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress/place"
)

type placeKey struct{}

// withPlace puts the place of a connection into the context of its requests.
func withPlace(ctx context.Context, conn net.Conn) context.Context {
	p := place.Of(conn)
	if p == nil {
		p = place.New(conn)
	}
	return context.WithValue(ctx, placeKey{}, p)
}

// placeOf is the place of the connection of a request, given by its context; nil where a server that is not [Port.Server] serves.
// The contexts of requests of HTTP/2 are made from that of their connection too.
func placeOf(ctx context.Context) *place.Place {
	p, _ := ctx.Value(placeKey{}).(*place.Place)
	return p
}

// connectionOf is what the exchange of a request is told to.
func connectionOf(r *http.Request) exchange.Connection {
	if p := placeOf(r.Context()); p != nil {
		return p
	}
	return nil // not a nil place
}

// Vouch says that it is known who the client of a request is, given by its context: then its connection does not count as one
// of an address that has only so many.
func Vouch(ctx context.Context) {
	if p := placeOf(ctx); p != nil {
		p.Vouch()
	}
}
