package entrance

import (
	"strings"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/routing"
	"github.com/collectiverpc/collective/mesh"
)

// entered is a call that an entrance routes: it tells where the call went.
type entered struct {
	connect.ClientStream
	info     *connect.CallInfo
	entrance *routing.RoutePeer
}

// Receive makes the route longer by what the entrance says of it. It does so once: after that the route is not the one that
// the call was opened with. A route that ends at the entrance is right already.
func (e *entered) Receive(msg any) error {
	err := e.ClientStream.Receive(msg)
	visited := e.info.ResponseHeader().Get(mesh.HeaderRoute)
	if visited != "" && visited != e.entrance.ID && e.info.TransportInfo == e.entrance.Route {
		e.info.TransportInfo = mesh.NewRoute(append([]string{e.entrance.Route.Route[0]}, strings.Split(visited, ",")...)...)
	}
	return err
}
