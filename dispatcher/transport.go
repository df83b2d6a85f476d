package dispatcher

import (
	"context"

	"connectrpc.com/connect/v2"

	"github.com/collectiverpc/collective/dispatcher/internal/entrance"
	"github.com/collectiverpc/collective/mesh"
)

// RouteInfo tells where a call went. On a client of [Dispatcher.Transport] it is the TransportInfo of the call; see
// [RouteInfoForContext].
type RouteInfo = mesh.Route

// RouteInfoForContext returns where the call of a client context went, once it has been opened:
//
//	ctx, _ := connect.NewClientContext(ctx)
//	res, err := users.GetUser(ctx, req)
//	route, ok := dispatcher.RouteInfoForContext(ctx)
func RouteInfoForContext(ctx context.Context) (*RouteInfo, bool) {
	info, ok := connect.CallInfoForClientContext(ctx)
	if !ok {
		return nil, false
	}
	route, ok := info.TransportInfo.(*RouteInfo)
	return route, ok
}

// Transport returns the mesh as a [connect.Transport]: any generated client over it calls methods wherever they are
// served in namespace, in all four stream kinds. An empty namespace stands for the only one that serves the method.
//
//	users := usersv1connect.NewUserServiceClient(connect.NewClient(d.Transport("users")))
//
// A method that is registered here runs in this process, on copies of the messages and with a context that has the
// caller's deadline and cancellation but not its values, as over a link. The request header Collective-Target selects
// a collector; headers that begin with Collective- go nowhere. No deadline is added here.
func (d *Dispatcher) Transport(namespace string) connect.Transport {
	return &entrance.Transport{Pipeline: d.pipeline, Observer: d.observer, Schemas: d.schemas, Callers: &d.callers, Namespace: namespace}
}
