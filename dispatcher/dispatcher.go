package dispatcher

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/collectiverpc/collective/access"
	"github.com/collectiverpc/collective/conn"
	"github.com/collectiverpc/collective/dispatcher/internal/call"
	"github.com/collectiverpc/collective/dispatcher/internal/entrance"
	"github.com/collectiverpc/collective/dispatcher/internal/ingress"
	"github.com/collectiverpc/collective/dispatcher/internal/peerschema"
	"github.com/collectiverpc/collective/dispatcher/internal/session"
	"github.com/collectiverpc/collective/gen/collector"
	"github.com/collectiverpc/collective/internal/audit"
	"github.com/collectiverpc/collective/internal/observe"
)

// Dispatcher is a collector: it hosts methods and routes calls. All methods are safe for concurrent use.
type Dispatcher struct {
	id         string
	namespaces []string // sorted
	limits     Limits
	log        *slog.Logger
	plaintext  bool // whether it may listen beyond loopback without TLS

	// What is registered here, and who is asked before it is called.
	registrar  registrar
	validation validation
	types      typeIndex

	// The way of a call.
	views     call.Views
	pipeline  *call.Pipeline
	observer  *call.Observer
	envelopes *entrance.Envelopes
	callers   peerschema.Callers

	// Who can be reached, and what is known of their schemas.
	conns   *conn.Manager
	schemas *peerschema.Learner
	opening *opening

	// The port.
	port    *ingress.Port
	handler http.Handler
	own     *ownServices

	// Who operates it.
	sessions  *session.Sessions
	audit     *audit.Log
	endAccess func()            // the guard's files are not followed any more, nor its decisions told to the audit log, and that is written
	runBy     *access.Principal // the user of this process

	recorder     *observe.Recorder
	releaseStore func()
	draining     chan struct{} // closed by drain, when the collector is about to stop
	drain        func()
}

// ID is the collector id.
func (d *Dispatcher) ID() string { return d.id }

// Limits are the limits in force.
func (d *Dispatcher) Limits() Limits { return d.limits }

// Connections is the connection manager: who can be reached.
func (d *Dispatcher) Connections() *conn.Manager { return d.conns }

// ConnectTo connects to the collector at address, host:port, and offers it namespaces; none offers all of this
// collector's. The answer names the namespaces that both have; calls cross in those, both ways.
func (d *Dispatcher) ConnectTo(ctx context.Context, address string, namespaces []string) (*collector.ConnectResponse, error) {
	if len(namespaces) == 0 {
		namespaces = d.namespaces
	}
	return d.conns.ConnectTo(ctx, address, namespaces)
}

// Leave begins a stop and does not wait: the health of the collector turns to not serving, peers are told to call elsewhere,
// answers ask clients to close their connections, and those who watch this collector are sent away. Whatever comes in is still
// answered, over links that still stand. It may be called again, and [Dispatcher.Shutdown] does.
func (d *Dispatcher) Leave() {
	d.drain()
	d.port.Leave()
	d.recorder.Close()
	d.conns.Leave()
}

// Shutdown stops in order: after [Dispatcher.Leave] it waits for the calls that came in at the port, then says goodbye to
// every peer and waits for the calls on the links, all of it until ctx is done, and stops all goroutines. It returns as soon
// as all is done.
// It does not touch listeners: have the *http.Server shut down at the same time, after Leave, or calls keep coming in. A link
// that is carried by an RPC is a call to that server which ends with the link.
func (d *Dispatcher) Shutdown(ctx context.Context) error {
	d.Leave()
	d.port.Finish(ctx)
	return d.end(ctx)
}

// end ends the links in order, and everything that runs.
func (d *Dispatcher) end(ctx context.Context) error {
	d.drain()
	d.opening.waiting.Wait()
	d.schemas.Stop()
	d.recorder.Close()
	defer d.releaseStore()
	defer d.endAccess()
	return errors.Join(d.conns.Shutdown(ctx), d.recorder.Finish())
}

// abandon ends everything at once, without a goodbye.
func (d *Dispatcher) abandon() error {
	d.schemas.Stop()
	d.conns.Close()
	d.endAccess()
	return forget(d.recorder)
}

// forget ends a recorder of which nobody reads any more.
func forget(recorder *observe.Recorder) error {
	recorder.Close()
	return recorder.Finish()
}
