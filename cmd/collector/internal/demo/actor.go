package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
	"github.com/collectiverpc/collective/internal/localsocket"
	"github.com/collectiverpc/collective/mesh"
)

// callTime bounds one call of an actor.
const callTime = 5 * time.Second

// actor is one collector. Its methods are for one goroutine.
type actor struct {
	life
	role
	listen string // port 0 at first, then the port it got

	mesh       meshv1connect.MeshServiceClient
	operator   meshv1connect.OperatorServiceClient
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
	a.http = &http.Client{Transport: &http.Transport{DialContext: a.dial}}
	client := connect.NewClient(connecthttp.NewTransport(a.http, a.url()))
	a.mesh = meshv1connect.NewMeshServiceClient(client)
	a.operator = meshv1connect.NewOperatorServiceClient(client)
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

// dial goes over the socket of the user, who may operate what the demo has started.
func (a *actor) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(a.listen)
	if err != nil {
		return nil, err
	}
	if path := localsocket.Find(os.Getenv, host, port); path != "" {
		return localsocket.Dial(ctx, path)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// console is where the actor shows itself to browsers that are logged in.
func (a *actor) console() string { return a.url() + "/console/" }

// page is a link to a page of the console that logs in, once; without that if it cannot be had.
func (a *actor) page(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	at, err := url.Parse(a.console() + name)
	if err != nil {
		return a.console() + name
	}
	made, err := a.operator.CreateLogin(ctx, &meshv1.CreateLoginRequest{})
	if err != nil {
		return at.String()
	}
	query := at.Query()
	query.Set(mesh.LoginToken, made.GetToken())
	at.RawQuery = query.Encode()
	return at.String()
}

// link has one collector connect to another.
func link(ctx context.Context, from, to *actor) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, err := from.mesh.ConnectTo(ctx, &meshv1.ConnectToRequest{Address: to.listen}); err != nil {
		return fmt.Errorf("connecting %s to %s: %w", from.id, to.id, err)
	}
	return nil
}
