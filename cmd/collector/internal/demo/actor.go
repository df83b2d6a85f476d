package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// callTime bounds one call of an actor.
const callTime = 5 * time.Second

// actor is one collector. Its methods are for one goroutine.
type actor struct {
	life
	role
	listen string // port 0 at first, then the port it got

	mesh       meshv1connect.MeshServiceClient
	dispatcher collectorconnect.CollectiveDispatcherClient
	http       *http.Client
}

// startSomewhere starts the actor at its address, or at a free port if somebody has taken that one: a port is nobody's
// between looking whether it is free and listening, nor while its collector is away.
func (a *actor) startSomewhere(ctx context.Context, note func(string, ...any)) error {
	err := a.start(ctx)
	if !errors.Is(err, errTaken) {
		return err
	}
	note("%s is taken by somebody else, so %s listens on a free port", a.listen, a.id)
	a.listen = anyPort
	return a.start(ctx)
}

// start keeps the address, so that a restart gets the same port, and makes the clients.
func (a *actor) start(ctx context.Context) error {
	address, err := a.begin(ctx, a.listen)
	if err != nil {
		return err
	}
	a.listen = address
	a.hangUp()
	a.http = &http.Client{Transport: &http.Transport{}}
	client := connect.NewClient(connecthttp.NewTransport(a.http, a.url()))
	a.mesh = meshv1connect.NewMeshServiceClient(client)
	a.dispatcher = collectorconnect.NewCollectiveDispatcherClient(client)
	return nil
}

func (a *actor) hangUp() {
	if a.http != nil {
		a.http.CloseIdleConnections()
	}
}

func (a *actor) stop() error {
	a.hangUp()
	return a.end()
}

func (a *actor) url() string { return "http://" + a.listen }

// console is where the actor shows itself to browsers.
func (a *actor) console() string { return a.url() + "/console/" }

// link has one collector connect to another.
func link(ctx context.Context, from, to *actor) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := from.mesh.ConnectTo(ctx, &meshv1.ConnectToRequest{Address: to.listen}); err != nil {
		return fmt.Errorf("connecting %s to %s: %w", from.id, to.id, err)
	}
	return nil
}
