package demo

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	"github.com/collectiverpc/collective/gen/collector/collectorconnect"
	"github.com/collectiverpc/collective/gen/collector/mesh/v1/meshv1connect"
)

// life is how an actor lives: as a process of its own, or inside this one.
type life interface {
	// begin starts it at an address, and answers where it listens once it is ready. errTaken is in the chain of its error
	// when somebody else listens there.
	begin(ctx context.Context, listen string) (address string, err error)
	// kill ends it without a goodbye, and verb says how.
	kill() error
	verb() string
	// end stops it in good order, whatever state it is in, or by force if that takes too long.
	end() error
}

// errTaken is why a collector did not start when somebody else listens at its address.
var errTaken = errors.New("its address is taken")

// actor is one collector. Its methods are for one goroutine.
type actor struct {
	life
	role
	listen string // port 0 at first, then the port it got

	mesh       meshv1connect.MeshServiceClient
	dispatcher collectorconnect.CollectiveDispatcherClient
	http       *http.Client
}

// role is what an actor is, however it lives.
type role struct {
	id         string
	namespaces []string
	example    string
	seed       uint64 // of the fault
	dir        string // where its database and log are
}

func (r role) path(ending string) string { return filepath.Join(r.dir, r.id+"."+ending) }

func (r role) openLog() (*os.File, error) {
	return os.OpenFile(r.path("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// lastWords are the end of the log.
func (r role) lastWords() string {
	const most = 500
	text, err := os.ReadFile(r.path("log"))
	if err != nil {
		return err.Error()
	}
	words := strings.TrimSpace(string(text[max(0, len(text)-most):]))
	if words == "" {
		return "it said nothing"
	}
	return words
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
