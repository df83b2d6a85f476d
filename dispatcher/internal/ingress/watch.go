package ingress

import (
	"net/http"
	"strconv"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/refusal"
	"github.com/collectiverpc/collective/mesh"
)

// Watch watches the requests of a handler and their answers. A request on a connection of the reserve is only served if it
// is one that the reserve is for, or somebody else gives way.
func (p *Port) Watch(next http.Handler, reserved func(*http.Request) bool) http.Handler {
	return p.rules.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if spare := placeOf(r.Context()); spare != nil && spare.Spare() && !reserved(r) && !spare.Settle(r.Context()) {
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "1")
			p.Refuse(w, r, p.limits.tooManyConnections())
			return
		}
		p.sendAway(w)
		next.ServeHTTP(w, r)
	}))
}

// tooManyConnections refuses the requests of a connection for which there is no place. Its client may try again at once at
// another collector, and here when somebody has gone.
func (l Limits) tooManyConnections() *refusal.Refusal {
	return refusal.New(connect.CodeUnavailable, mesh.ReasonUnreachable, "this collector serves clients on "+
		strconv.Itoa(l.Connections)+" connections, as many as it may; try again in a second, or raise dispatcher.Limits.Connections")
}
